import {
  allFinite,
  type Basis,
  choice,
  concat,
  type Frame,
  flag,
  full,
  integer,
  iota,
  type Move,
  mod,
  required,
  resolve,
  type Setting,
  type Shape,
  type Site,
  saturate,
  size,
  type Tensor,
  text,
  unit,
  where,
} from '@opt/core';
import { type DataFormat, folding } from './fold.ts';
import { costTeller } from './say-cost.ts';

export interface KroneckerEigenbasisOptions {
  /** β_s of the covariances A_k, [0, 1), default 0.95. */
  readonly shampooBeta?: Setting;
  /** f: steps between refreshes, integer ≥ 1, default 10. */
  readonly preconditionFrequency?: number;
  /** Axes longer than this keep the identity, integer ≥ 1, default 10000. */
  readonly maxPreconditionDim?: number;
  /** Merge axes first, default false. Use a `maxPreconditionDim` of about 1024 with it. */
  readonly mergeDims?: boolean;
  /** Precondition vectors too, default false. */
  readonly precondition1d?: boolean;
  /** Storage order of rank-4 kernels, used only by merging: [kh, kw, in, out] or [out, in, kh, kw]. Default 'channels_last'. */
  readonly dataFormat?: DataFormat;
  /** The basis of the first call: eigenvectors of its covariance, or none until the first refresh. Default 'eigh'. */
  readonly initialBasis?: 'eigh' | 'identity';
  /** Prefix of state keys, default 'soap'. */
  readonly name?: string;
}

/** What is counted as zero, relative to the largest: eigenvalues at the start, estimates and remainders at a refresh. */
const tolerance = 1e-6;

/** A column of a refresh counts as dependent on those before it where less than this is left of it: well above what float32 leaves. */
const dependent = 1e-4;

/** Rounding of a projection of a gradient of low rank, in units of machine epsilon relative to its largest coordinate: measured, up to 4.2. */
const rounding = 8;

/**
 * The eigenbasis of Shampoo's Kronecker factors (Vyas et al. 2024). Axis k of the folded parameter has the covariance
 *
 *     A_k ← β_s A_k + (1−β_s) G₍k₎G₍k₎ᵀ          [d_k, d_k]
 *
 * and the basis Q_k of its eigenvectors; G is projected by Q_kᵀ along every active axis. The first call only sets the basis up
 * and holds the parameter. Every f steps, after the inner step, one power iteration refreshes it: P = A_kQ_k, columns sorted by
 * q_jᵀp_j, orthonormalised with the completion rule. First moments are rotated along, second moments only permuted.
 *
 * Where a backend defers the factorisation of a long axis (`Site.later`), that axis keeps its basis until the new one is there, at first
 * the identity: the first basis then takes the moments along, second moments as v → (C∘C)v.
 */
export function kroneckerEigenbasis(options: KroneckerEigenbasisOptions = {}): Basis {
  const { name, shampooBeta, preconditionFrequency, maxPreconditionDim, mergeDims, precondition1d, dataFormat, initialBasis } = resolve(
    'soap',
    options,
    {
      shampooBeta: unit(0.95),
      preconditionFrequency: integer(10),
      maxPreconditionDim: integer(10000),
      mergeDims: flag(false),
      precondition1d: flag(false),
      dataFormat: choice('channels_last', ['channels_last', 'channels_first']),
      initialBasis: choice('eigh', ['eigh', 'identity']),
      name: text('soap'),
    },
  );
  const tellCost = costTeller(name);
  const foldingOf = (shape: Shape) => folding(shape, mergeDims, maxPreconditionDim, dataFormat);
  const phaseAt = (calls: number) => (calls === 1 ? 'start' : (calls - 1) % preconditionFrequency === 0 ? 'refresh' : 'step');

  /** A matrix has all its axes preconditioned, a vector only on request; an axis of 1 has nothing to rotate. */
  function activeAxes(shape: Shape): number[] {
    if (shape.length === 0 || (shape.length === 1 && !precondition1d)) return [];
    return [...foldingOf(shape).shape.entries()].flatMap(([axis, d]) => (d > 1 && d <= maxPreconditionDim ? [axis] : []));
  }

  /** The projection as it is now: later writes to the basis do not change it. */
  function frame(owner: string, shape: Shape, site: Site): Frame {
    const { fold, unfold } = foldingOf(shape);
    const bases = activeAxes(shape).map((k) => [k, site.get(`Q${k}`, owner)] as const);
    return {
      project: (x) =>
        resolved(
          bases.reduce((y, [k, Q]) => along(y, k, Q, true), fold(x)),
          bases.map(([k]) => k),
          site.epsilon,
        ),
      unproject: (x) => unfold(bases.reduce((y, [k, Q]) => along(y, k, Q, false), x)),
    };
  }

  return {
    name,
    kinds: ['vector', 'diagonal'],
    probes: true,
    coordinates: (shape) => foldingOf(shape).shape,
    declare(owner, shape, at) {
      at.hyper(shampooBeta);
      const folded = foldingOf(shape).shape;
      const axes = activeAxes(shape);
      // On a device of its own the work takes another time, and blocks nothing.
      if (!at.deviceDecides)
        tellCost(
          owner,
          shape,
          axes.map((k) => folded[k] ?? 1),
        );
      for (const k of axes) {
        const d = folded[k] ?? 1;
        at.slot(`A${k}`, owner, { shape: [d, d], kind: 'matrix', symmetric: true });
        at.slot(`Q${k}`, owner, { shape: [d, d], kind: 'matrix', init: 'identity' });
      }
    },
    before(owner, gradient, site) {
      // Products of gradients are kept within what there are numbers for.
      const within = saturate(gradient, site.largest, 2, size(gradient.shape));
      if (site.phase(owner, phaseAt) !== 'start') return { gradient: within };
      const g = foldingOf(gradient.shape).fold(within);
      for (const k of activeAxes(gradient.shape)) {
        site.set(`A${k}`, owner, gram(g, k, site.hyper(shampooBeta)));
        if (initialBasis !== 'eigh') continue;
        const old = site.get(`Q${k}`, owner);
        const found = site.later(`Q${k}`, owner, true, () => ({ matrix: unfolded(g, k) }), singularVectors);
        if (found === undefined) continue;
        const Q = required(found, 'Q', 'result');
        site.set(`Q${k}`, owner, where(allFinite(Q), Q, old));
      }
      return { hold: true };
    },
    frame,
    after(owner, gradient, site) {
      const g = foldingOf(gradient.shape).fold(gradient);
      const refresh = site.phase(owner, phaseAt) === 'refresh';
      const old = frame(owner, gradient.shape, site);
      const second: Move[] = [];
      for (const k of activeAxes(gradient.shape)) {
        const A = gram(g, k, site.hyper(shampooBeta), site.get(`A${k}`, owner));
        site.set(`A${k}`, owner, A);
        const Q = site.get(`Q${k}`, owner);
        const found = site.later(`Q${k}`, owner, refresh, () => sorted(A, Q), orthonormal);
        if (found === undefined) continue;
        const next = required(found, 'Q', 'result');
        const good = sound(A, next);
        const Q1 = where(good, next, Q);
        site.set(`Q${k}`, owner, Q1);
        const order = found['order'] && inOrder(good, found['order']);
        // The first basis, where it came late: none of its columns continues one of the identity.
        second.push(order === undefined ? (v) => along(v, k, Q1.square(), true) : (v) => v.gather(order, k));
      }
      if (second.length === 0) return {};
      const now = frame(owner, gradient.shape, site);
      return { move: { vector: (m) => now.project(old.unproject(m)), diagonal: (v) => second.reduce((x, carry) => carry(x), v) } };
    },
  };
}

/** x seen along axis k: how much lies before it, on it, after it. */
function split(shape: Shape, k: number): readonly [before: number, d: number, after: number] {
  return [size(shape.slice(0, k)), shape[k] ?? 1, size(shape.slice(k + 1))];
}

/** The mode-k unfolding [d_k, the rest]. */
function unfolded(x: Tensor, k: number): Tensor {
  const [before, d, after] = split(x.shape, k);
  if (before === 1) return x.reshape([d, after]);
  return x
    .reshape([before, d, after])
    .transpose([1, 0, 2])
    .reshape([d, before * after]);
}

/**
 * Coordinates that hold nothing but rounding, set to 0: a product with a basis leaves ε of the largest coordinate in those that are 0 in
 * exact arithmetic, and Adam would divide such numbers by themselves. Fibres along axes without a basis are products of their own.
 */
function resolved(y: Tensor, axes: readonly number[], epsilon: number): Tensor {
  if (axes.length === 0) return y;
  const size = y.abs();
  return where(size.gt(size.maximum(axes, { keep: true }).mul(rounding * epsilon)), y, 0);
}

/** Qᵀ (or Q) times every fibre of x along axis k, without moving x's elements. */
function along(x: Tensor, k: number, Q: Tensor, transpose: boolean): Tensor {
  const [before, d, after] = split(x.shape, k);
  const product =
    after === 1
      ? x.reshape([before, d]).matmul(Q, { transposeB: !transpose })
      : Q.matmul(x.reshape(before === 1 ? [d, after] : [before, d, after]), { transposeA: transpose });
  return product.reshape(x.shape);
}

/** (1−β)·x₍k₎x₍k₎ᵀ + βA with the mode-k unfolding x₍k₎ [d_k, the rest]. */
function gram(x: Tensor, k: number, beta: Tensor, A?: Tensor): Tensor {
  const [before, d, after] = split(x.shape, k);
  const options = { alpha: beta.not(), ...(A && { add: A, beta }) };
  if (after === 1) {
    const columns = x.reshape([before, d]);
    return columns.matmul(columns, { transposeA: true, ...options });
  }
  const rows =
    before === 1
      ? x.reshape([d, after])
      : x
          .reshape([before, d, after])
          .transpose([1, 0, 2])
          .reshape([d, before * after]);
  return rows.matmul(rows, { transposeB: true, ...options });
}

/**
 * Left singular vectors of X [d, r], singular values descending; directions the data leave open are completed. They are found in the
 * smaller of the Gram matrices, where squares hurt: once per parameter, so in the best precision there is.
 */
function singularVectors({ matrix }: { readonly matrix: Tensor }): { readonly Q: Tensor } {
  const [d = 1, r = 1] = matrix.shape;
  const X = matrix.wide();
  const tall = r < d;
  const { values, vectors } = X.matmul(X, tall ? { transposeA: true } : { transposeB: true }).eigh();
  const n = Math.min(d, r);
  const kept = values.gt(values.row(n - 1).mul(tolerance));
  const found = vectors.mul(kept).gather(
    iota(n)
      .mul(-1)
      .add(n - 1)
      .int(),
    1,
  );
  if (!tall) return { Q: found.orthonormalize('complete', tolerance).working() };
  // A column of length σ, however small beside the first, is one that is kept.
  const U = X.matmul(found);
  const length = U.square().sum([0]).sqrt();
  const unit = U.div(where(length.gt(0), length, 1));
  const padded = concat([unit, full([d, d - r], 0).wide()], 1);
  return { Q: padded.orthonormalize('complete', tolerance).working() };
}

/** One power iteration from Q, columns by falling eigenvalue estimate q_jᵀA q_j; both unchanged while A is 0. */
export function refreshed(A: Tensor, Q: Tensor): { Q: Tensor; order: Tensor } {
  const { Q: Q1, order } = orthonormal(sorted(A, Q));
  const good = sound(A, Q1);
  return { Q: where(good, Q1, Q), order: inOrder(good, order) };
}

/**
 * P = AQ, columns by falling eigenvalue estimate, and their order. Columns of which A tells nothing beyond rounding stay what they are and
 * go first, so that the others are made orthogonal to them: turned by rounding, they would take up a little of the largest.
 */
function sorted(A: Tensor, Q: Tensor): Record<'matrix' | 'order' | 'kept', Tensor> {
  const P = A.matmul(Q);
  const raw = Q.mul(P).sum([0]);
  const kept = raw.le(raw.maximum().mul(tolerance));
  const order = raw.mul(kept.not()).neg().argsort();
  const keptFirst = order.gather(turned(A, kept.sum().neg()), 0);
  const longest = P.abs().maximum([0]);
  const columns = where(kept, Q, P.div(where(longest.gt(0), longest, 1)));
  return { matrix: columns.gather(keptFirst, 1), order, kept: kept.gather(keptFirst, 0) };
}

function orthonormal({ matrix, order, kept }: Readonly<Record<'matrix' | 'order' | 'kept', Tensor>>): Record<'Q' | 'order', Tensor> {
  const Q = where(kept, matrix, matrix.orthonormalize('complete', dependent));
  return { Q: Q.gather(turned(matrix, kept.sum()), 1), order };
}

/** The positions 0 … d − 1 of [d, d], begun at `by`. */
const turned = ({ shape: [d = 1] }: Tensor, by: Tensor): Tensor => mod(iota(d).add(by), d).int();

const sound = (A: Tensor, Q: Tensor): Tensor => A.abs().maximum().gt(0).mul(allFinite(Q));

const inOrder = (good: Tensor, order: Tensor): Tensor => where(good, order, iota(order.shape[0] ?? 1));
