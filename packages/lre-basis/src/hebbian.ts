import {
  choice,
  clipped,
  flag,
  full,
  integer,
  message,
  nullable,
  OptionRangeError,
  optional,
  positive,
  resolve,
  type Setting,
  type Tensor,
  tril,
  unit,
} from '@opt/core';
import { adamG } from './adam-g.ts';
import { explicit } from './explicit.ts';
import type { LowRankBasis } from './low-rank-basis.ts';
import { symmetrised } from './residual.ts';

export interface HebbianOptions {
  /** How many columns, integer ≥ 1, default 100. */
  readonly rank?: number;
  /** Of the descent on Q, > 0, default 1e-2. */
  readonly learningRate?: Setting;
  /** Bring every entry of the direction into [−c, c]; null (default): off. */
  readonly valueClip?: Setting | null;
  /** Scale the direction to at most this norm; null (default): off. */
  readonly normClip?: Setting | null;
  /** AdamG on the Stiefel manifold (default), plain steps, or steps along the manifold's tangent. */
  readonly opt?: 'adamg' | 'gd' | 'stiefel-gd';
  /** β₁ and β₂ of AdamG, defaults 0.9 and 0.99. */
  readonly beta1?: Setting;
  readonly beta2?: Setting;
  /** ε of AdamG, > 0, default 1e-8. */
  readonly eps?: Setting;
  /** AdamG forgets momentum that disagrees with the direction. Default false. */
  readonly cautious?: boolean;
  /** QR whenever the number of columns seen is a multiple of this; AdamG: default null, never; the two others need 1. */
  readonly reorthoFreq?: number | null;
}

/**
 * Sanger's rule (1989): with p = QᵀY, Q climbs along G = (1/k)(Ypᵀ − Q·tril(ppᵀ)) towards the leading eigenvectors, its last column
 * towards the first of them. No decomposition at all with AdamG but for a QR in one step of 101. There are no eigenvalues.
 */
export function hebbian(options: HebbianOptions = {}): LowRankBasis {
  const o = resolve('hebbian', options, {
    rank: integer(100),
    learningRate: positive(1e-2),
    valueClip: optional(positive(1)),
    normClip: optional(positive(1)),
    opt: choice('adamg', ['adamg', 'gd', 'stiefel-gd']),
    beta1: unit(0.9),
    beta2: unit(0.99),
    eps: positive(1e-8),
    cautious: flag(false),
    reorthoFreq: nullable(integer(0, 1)),
  });
  // Left out, it is what the method needs.
  const reorthoFreq = options.reorthoFreq === undefined ? (o.opt === 'adamg' ? null : 1) : o.reorthoFreq;
  if (o.opt !== 'adamg' && reorthoFreq !== 1)
    throw new OptionRangeError(message('hebbian', `reorthoFreq with opt '${o.opt}'`, '1', reorthoFreq));
  const width = (d: number): number => Math.min(o.rank, d);
  const adam = adamG(o);
  return {
    name: 'hebbian',
    eigenvalues: false,
    asymmetric: false,
    signed: false,
    width,
    declare(owner, d, _, at) {
      for (const hyper of [o.learningRate, o.valueClip, o.normClip]) if (hyper !== null) at.hyper(hyper);
      at.slot('Q', owner, { shape: [d, width(d)], kind: 'invariant' });
      if (o.opt === 'adamg') adam.declare(owner, [d, width(d)], at);
    },
    read(owner, site) {
      const Q = site.get('Q', owner);
      const factors = explicit(Q);
      return { whole: factors, kept: { ...factors, active: full([Q.shape[1] ?? 0], 1) } };
    },
    update({ owner, site, Y, start, phase }) {
      const stored = site.get('Q', owner);
      const old = start ? site.draw('Q0', owner, 'normal', stored.shape, (drawn) => drawn.orthonormalize('complete')) : stored;
      // There is a basis even if the first correction is refused.
      if (start) site.set('Q', owner, old);
      const clip = (G: Tensor): Tensor => {
        const c = o.normClip === null ? undefined : site.hyper(o.normClip);
        return c === undefined ? G : clipped([G], c)(G);
      };
      const limit = o.valueClip === null ? undefined : site.hyper(o.valueClip);
      const raw = sanger(old, Y);
      const G = limit === undefined ? raw : raw.min(limit).max(limit.neg());
      const rate = site.hyper(o.learningRate);
      const { Q, writes } =
        o.opt === 'adamg'
          ? adam.step(owner, site, old, clip(G), rate)
          : { Q: old.add(clip(o.opt === 'gd' ? G : tangent(old, G)).mul(rate)), writes: {} };
      const retract = reorthoFreq !== null && phase(({ columns }) => (columns % reorthoFreq === 0 ? 'qr' : 'go')) === 'qr';
      const next = retract ? Q.orthonormalize('complete') : Q;
      return { writes: { Q: next, ...writes }, C: next.matmul(old, { transposeA: true }) };
    },
  };
}

/** (1/k)(Ypᵀ − Q·tril(ppᵀ)) with p = QᵀY: the last column is to become the leading direction. */
function sanger(Q: Tensor, Y: Tensor): Tensor {
  const [k = 1] = Y.shape;
  const p = Y.matmul(Q);
  const lower = tril(p.matmul(p, { transposeA: true }));
  return Y.matmul(p, { transposeA: true }).sub(Q.matmul(lower)).div(k);
}

/** G − Q·sym(QᵀG). */
const tangent = (Q: Tensor, G: Tensor): Tensor => G.sub(Q.matmul(symmetrised(Q.matmul(G, { transposeA: true }))));
