import {
  allFinite,
  alongAxis,
  axisGram,
  type Basis,
  type Frame,
  message,
  OptionTypeError,
  type Resolved,
  required,
  resolve,
  type Shape,
  type Site,
  saturate,
  size,
  type Tensor,
  unfolding,
  where,
} from '@opt/core';
import { activeAxes, foldingOf } from './axes.ts';
import { type EigenbasisTable, eigenbasisOptions, type KroneckerEigenbasisOptions } from './eigenbasis-options.ts';
import { klEigenvalues, klFactor, products, type Sides } from './kl-factors.ts';
import { singularVectors } from './refresh.ts';
import { refresher } from './refresher.ts';
import { sayCost } from './say-cost.ts';
import { refreshPhases } from './spread.ts';
import { type Turn, turnOfAll } from './turn.ts';

/**
 * The eigenbasis of Shampoo's Kronecker factors (Vyas et al. 2024). Axis k of the folded parameter has the covariance
 *
 *     A_k ← β_s A_k + (1−β_s) G₍k₎G₍k₎ᵀ          [d_k, d_k]
 *
 * and the basis Q_k of its eigenvectors; G is projected by Q_kᵀ along every active axis. The first call only sets the basis up
 * and holds the parameter. Every f steps, after the inner step, one power iteration refreshes it: P = A_kQ_k, columns sorted by
 * q_jᵀp_j, orthonormalised with the completion rule. First moments are rotated along, second moments only permuted. Coordinates that hold
 * nothing but rounding count as 0, and columns of which A says nothing stay.
 *
 * With `factor: 'kl'`, gradients are whitened along the other axes first, see `klFactor`; stages inside may need the running eigenvalues,
 * `eigenvalues`, which are Π_k e_k in the coordinates.
 *
 * Where a backend defers the factorisation of a long axis (`Site.later`), that axis keeps its basis until the new one is there, at first
 * the identity: the first basis then takes the moments along, second moments as v → (C∘C)v.
 */
export const kroneckerEigenbasis = (options: KroneckerEigenbasisOptions = {}): Basis =>
  eigenbasis(resolve('soap', options, eigenbasisOptions));

/** What happened to the basis of an axis. */
interface SideTurn {
  readonly axis: number;
  readonly turn: Turn;
}

/** The same with its options read. */
export function eigenbasis(o: Resolved<EigenbasisTable>): Basis {
  const { name, shampooBeta, initialBasis, firstCall } = o;
  const kl = o.factor === 'kl';
  for (const option of ['initialEigenvalue', 'eigenvalueFloor'] as const)
    if (!kl && o[option] !== undefined && !(option === 'initialEigenvalue' && o[option] === null))
      throw new OptionTypeError(message(name, option, "left out with factor 'gram'", o[option]));
  const floorOf = (d: number): number => {
    const { eigenvalueFloor: floor = 'auto' } = o;
    return floor === 'auto' ? 1 / Math.max(10, Math.min(d, 4000)) ** 2 : (floor ?? 0);
  };
  const phaseOf = refreshPhases(o, (shape) => activeAxes(shape, o).map((k) => foldingOf(shape, o).shape[k] ?? 1));
  const refresh = refresher(o);

  /**
   * Bases and eigenvalues as they are now: later writes do not change them. With 'kl' the longest axis comes first: its product is then
   * that of the projection too, and what is left to compute is the cheaper one.
   */
  function sidesOf(owner: string, shape: Shape, site: Site): Sides {
    const folded = foldingOf(shape, o).shape;
    const axes = activeAxes(shape, o);
    const ordered = kl ? axes.sort((a, b) => (folded[b] ?? 1) - (folded[a] ?? 1)) : axes;
    return ordered.map((axis) => {
      const Q = site.get(`Q${axis}`, owner);
      return { axis, Q, e: kl ? site.get(`e${axis}`, owner) : Q };
    });
  }

  function frame(owner: string, shape: Shape, site: Site): Frame {
    const { fold, unfold } = foldingOf(shape, o);
    const sides = sidesOf(owner, shape, site);
    const e = kl ? products(sides, foldingOf(shape, o).shape, site.largest) : undefined;
    return {
      project: (x) =>
        resolved(
          sides.reduce((y, { axis, Q }) => alongAxis(y, axis, Q, { transpose: true }), fold(x)),
          sides.map(({ axis }) => axis),
          site.epsilon,
        ),
      unproject: (x) => unfold(sides.reduce((y, { axis, Q }) => alongAxis(y, axis, Q), x)),
      ...(e && { extras: { eigenvalues: e } }),
    };
  }

  /** The first covariances, and bases of their eigenvectors. */
  function start(owner: string, gradient: Tensor, site: Site): SideTurn[] {
    const g = foldingOf(gradient.shape, o).fold(gradient);
    return activeAxes(gradient.shape, o).flatMap((k) => {
      // The first gradient has no basis to be white in.
      const share = kl ? (g.shape[k] ?? 1) / size(g.shape) : 1;
      site.set(`A${k}`, owner, axisGram(g, k, { alpha: site.hyper(shampooBeta).not().mul(share) }));
      if (initialBasis !== 'eigh') return [];
      const old = site.get(`Q${k}`, owner);
      const found = site.later(`Q${k}`, owner, true, () => ({ matrix: unfolding(g, k).matrix }), singularVectors);
      if (found === undefined) return [];
      const Q = required(found, 'Q', 'result');
      const Q1 = where(allFinite(Q), Q, old);
      site.set(`Q${k}`, owner, Q1);
      return [{ axis: k, turn: turnOfAll(Q1) }];
    });
  }

  /** Covariances, eigenvalues and, where it is time, bases; gives how they turn. */
  function advance(owner: string, gradient: Tensor, old: Frame, site: Site): SideTurn[] {
    const g = foldingOf(gradient.shape, o).fold(gradient);
    const due = site.phase(owner, phaseOf(site, owner)) === 'refresh';
    const beta = site.hyper(shampooBeta);
    const sides = sidesOf(owner, gradient.shape, site);
    const { largest } = site;
    const values = kl ? klEigenvalues(old.project(gradient), sides, { beta, floorOf, largest }) : new Map<number, Tensor>();
    return sides.flatMap(({ axis: k, Q }) => {
      const before = site.get(`A${k}`, owner);
      const A = kl ? klFactor(g, k, sides, { beta, A: before, largest }) : axisGram(g, k, { alpha: beta.not(), add: before, beta });
      site.set(`A${k}`, owner, A);
      const e = values.get(k);
      if (e !== undefined) site.set(`e${k}`, owner, e);
      const turn = refresh(site, { slot: `Q${k}`, owner, due, A, Q });
      if (turn === undefined) return [];
      site.set(`Q${k}`, owner, turn.basis(Q));
      if (e !== undefined) site.set(`e${k}`, owner, turn.diagonal(e, 0));
      return [{ axis: k, turn }];
    });
  }

  return {
    name,
    kinds: ['vector', 'diagonal'],
    probes: true,
    ...(kl && { extras: ['eigenvalues'] }),
    coordinates: (shape) => foldingOf(shape, o).shape,
    declare(owner, shape, at) {
      at.hyper(shampooBeta);
      const folded = foldingOf(shape, o).shape;
      const axes = activeAxes(shape, o);
      // On a device of its own the work takes another time, and blocks nothing.
      if (!at.deviceDecides)
        sayCost(
          name,
          at,
          owner,
          shape,
          axes.map((k) => folded[k] ?? 1),
        );
      for (const k of axes) {
        const d = folded[k] ?? 1;
        at.slot(`A${k}`, owner, { shape: [d, d], kind: 'matrix', symmetric: true });
        at.slot(`Q${k}`, owner, { shape: [d, d], kind: 'matrix', init: 'identity', within: 2 });
        if (kl) at.slot(`e${k}`, owner, { shape: [d], kind: 'diagonal', init: o.initialEigenvalue ?? 0.1 });
      }
    },
    before(owner, gradient, site) {
      // Products of gradients are kept within what there are numbers for.
      const within = saturate(gradient, site.largest, 2, size(gradient.shape));
      if (firstCall === 'raw' || site.phase(owner, phaseOf(site, owner)) !== 'start') return { gradient: within };
      start(owner, within, site);
      return { hold: true };
    },
    frame,
    after(owner, gradient, site) {
      const old = frame(owner, gradient.shape, site);
      const turns =
        site.phase(owner, phaseOf(site, owner)) === 'start' ? start(owner, gradient, site) : advance(owner, gradient, old, site);
      if (turns.length === 0) return {};
      const now = frame(owner, gradient.shape, site);
      return {
        // v is only permuted while m is rotated: a little of a large m that comes to where nothing was squared would be a step without bound.
        empties: true,
        move: {
          vector: (m) => carried(turns, m, activeAxes(gradient.shape, o), site.epsilon) ?? now.project(old.unproject(m)),
          diagonal: (v) => turns.reduce((x, { axis, turn }) => turn.diagonal(x, axis), v),
        },
      };
    },
  };
}

/** First moments turned along every axis whose basis did, where each says how. */
const carried = (turns: readonly SideTurn[], m: Tensor, axes: readonly number[], epsilon: number): Tensor | undefined =>
  turns.every(({ turn }) => turn.vector !== undefined)
    ? resolved(
        turns.reduce((x, { axis, turn }) => turn.vector?.(x, axis) ?? x, m),
        axes,
        epsilon,
      )
    : undefined;

/** Rounding of a projection of a gradient of low rank, in units of machine epsilon relative to its largest coordinate: measured, up to 4.2. */
const rounding = 8;

/**
 * Coordinates that hold nothing but rounding, set to 0: a product with a basis leaves ε of the largest coordinate in those that are 0 in
 * exact arithmetic, and Adam would divide such numbers by themselves. Fibres along axes without a basis are products of their own.
 */
function resolved(y: Tensor, axes: readonly number[], epsilon: number): Tensor {
  if (axes.length === 0) return y;
  const size = y.abs();
  return where(size.gt(size.maximum(axes, { keep: true }).mul(rounding * epsilon)), y, 0);
}
