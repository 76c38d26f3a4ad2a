import {
  choice,
  debias,
  fixed,
  flag,
  type Hyper,
  integer,
  mapValues,
  moderate,
  norm,
  type Option,
  openUnit,
  optional,
  perTensor,
  type Resolved,
  resolve,
  type Setting,
  type Shape,
  type Slot,
  saturate,
  size,
  type Tensor,
  type Transform,
  text,
  unit,
} from '@opt/core';
import { type Factor, preconditioned } from './factors.ts';
import { balanced, fitted } from './fit.ts';
import { diagonalAxes, type MemorySaveMode, type MergeDims, merged } from './shapes.ts';
import { probabilityOption, type UpdateProbability, updateTimes } from './update-times.ts';

export interface KronOptions {
  /** β of the momentum, [0, 1), default 0.9. */
  readonly beta?: Setting;
  /** p: factors are fitted every 1/p steps; in (0, 1], or falling with the steps: by default 1 for 500 steps, then down to 0.03. */
  readonly preconditionerUpdateProbability?: number | UpdateProbability;
  /** μ of the fit, (0, 1), default 0.1. */
  readonly preconditionerLearningRate?: Setting;
  /** What the square root of the preconditioner starts as, times I; > 0, default 1. */
  readonly preconditionerInitialScale?: number;
  /** Longer axes have a diagonal factor, integer ≥ 0, default 8192; a triangular one of an axis of d costs 4d² bytes. */
  readonly maxSizeTriangular?: number;
  /** Parameters of lower rank (after merging) have diagonal factors, integer ≥ 0, default 2. */
  readonly minNdimTriangular?: number;
  /** Which axes have a diagonal factor besides: the longest, if longer than all others; the longest; all. Default null, none. */
  readonly memorySaveMode?: MemorySaveMode | null;
  /** Fit the factors to the momentum (default true), or to the gradient. */
  readonly momentumIntoPreconditionerUpdate?: boolean;
  /** Tensors of rank ≥ 3 as the squarest matrix (default), as [rest, last axis], or as they are. */
  readonly mergeDims?: MergeDims;
  /** In steps that fit to the momentum, the direction starts from what was fitted to, noise included; default false. */
  readonly noiseInDirection?: boolean;
  /** Prefix of state keys, default 'psgd-kron'. */
  readonly name?: string;
}

export type KronTable = Readonly<{
  beta: Option<Hyper>;
  preconditionerUpdateProbability: Option<UpdateProbability>;
  preconditionerLearningRate: Option<Hyper>;
  preconditionerInitialScale: Option<number>;
  maxSizeTriangular: Option<number>;
  minNdimTriangular: Option<number>;
  memorySaveMode: Option<MemorySaveMode | null>;
  momentumIntoPreconditionerUpdate: Option<boolean>;
  mergeDims: Option<MergeDims>;
  noiseInDirection: Option<boolean>;
  name: Option<string>;
}>;

/** How `resolve` reads them. */
export const kronOptions: KronTable = {
  beta: unit(0.9),
  preconditionerUpdateProbability: probabilityOption,
  preconditionerLearningRate: openUnit(0.1),
  preconditionerInitialScale: fixed(1, { rule: 'a finite number > 0', holds: (x) => Number.isFinite(x) && x > 0 }),
  maxSizeTriangular: integer(8192, 0),
  minNdimTriangular: integer(2, 0),
  memorySaveMode: optional(choice('oneDiag', ['smartOneDiag', 'oneDiag', 'allDiag'])),
  momentumIntoPreconditionerUpdate: flag(true),
  mergeDims: choice('squarest', ['squarest', 'last', 'off']),
  noiseInDirection: flag(false),
  name: text('psgd-kron'),
};

/**
 * PSGD-Kron (Li 2018, 2024) as a direction: momentum times a Kronecker preconditioner P₁ ⊗ … ⊗ P_r, P_k = Q_kᵀQ_k, fitted so that P·g is
 * white. With G of the merged shape [d₁, …, d_r] and t this stage's steps,
 *
 *     m ← βm + (1−β)G    M = m/(1−βᵗ)    D = M times P_k along every axis    u = D·min(1, 1.1/(rms(D) + 10⁻¹²))
 *
 * Q_k is upper triangular [d_k, d_k], or diagonal [d_k]. In steps that fit (see `fitted`), D has the new factors already.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export const kron = (options: KronOptions = {}): Transform => kronOf(resolve('psgd-kron', options, kronOptions));

/** The same with its options read. */
export function kronOf(o: Resolved<KronTable>): Transform {
  const isTime = updateTimes(o.preconditionerUpdateProbability);
  const phaseAt = (count: number): 'fit' | 'step' => (isTime(count) ? 'fit' : 'step');
  const stages = mapValues({ step: 'step', fit: 'fit', balance: 'balance' } as const, (kind) => stage(o, kind));
  return {
    ...stages.step,
    apply(flow, site) {
      if (Object.keys(flow.updates).length === 0) return flow;
      // One clock and one choice for all parameters.
      const here = site.child(o.name);
      if (here.phase('', phaseAt) === 'step') return stages.step.apply(flow, site);
      return stages[here.choose('balance', '', { fit: 99, balance: 1 })].apply(flow, site);
    },
  };
}

/** What happens to one tensor in a step without a fit, with one, or with factors made equally large before it. */
function stage(o: Resolved<KronTable>, kind: 'step' | 'fit' | 'balance'): Transform {
  const { beta, preconditionerLearningRate, momentumIntoPreconditionerUpdate } = o;
  return perTensor({
    name: o.name,
    hyper: { beta, preconditionerLearningRate },
    state: ({ shape }) => slotsOf(shape, o),
    apply({ update, state: { m = update, ...state }, hyper, count: t, owner, site }) {
      const g = saturate(update, site.largest, 2, size(update.shape));
      const S = merged(g.shape, o.mergeDims);
      const m1 = m.lerp(g, hyper.beta.not());
      const M = m1.div(debias(hyper.beta, t)).reshape(S);
      const factors = S.flatMap((_, axis) => state[`Q${axis}`] ?? []);
      if (kind === 'step') return { update: direction(M, factors).reshape(g.shape), state: { m: m1 } };
      const { noisy, factors: next } = fitted(
        momentumIntoPreconditionerUpdate ? M : g.reshape(S),
        kind === 'balance' ? balanced(factors) : factors,
        site.draw('v', owner, 'normal', S),
        { rate: hyper.preconditionerLearningRate, epsilon: site.epsilon },
      );
      const from = o.noiseInDirection && momentumIntoPreconditionerUpdate ? noisy : M;
      const changed = Object.fromEntries(next.map((Q, axis) => [`Q${axis}`, Q]));
      return { update: direction(from, next).reshape(g.shape), state: { m: m1, ...changed } };
    },
  });
}

/** M times every P_k, of root mean square 1.1 at most. */
function direction(M: Tensor, factors: readonly Factor[]): Tensor {
  const D = factors.reduce((x, Q, axis) => preconditioned(x, axis, Q), M);
  const rms = norm(D).div(Math.sqrt(size(D.shape)));
  return moderate(D.mul(rms.add(1e-12).reciprocal().mul(1.1).min(1)));
}

/**
 * The momentum is a vector in the parameter's own shape. A basis that turns an axis could carry P_k but not the triangle it is fitted as:
 * factors are `matrix`, diagonals of them too where there are several axes.
 */
function slotsOf(shape: Shape, o: Resolved<KronTable>): Record<string, Slot> {
  const S = merged(shape, o.mergeDims);
  const diagonal = diagonalAxes(S, o);
  const scale = o.preconditionerInitialScale ** (1 / S.length);
  const factors = S.map((d, axis): [string, Slot] => [
    `Q${axis}`,
    diagonal[axis] === true
      ? { shape: [d], kind: S.length === 1 ? 'diagonal' : 'matrix', init: scale }
      : { shape: [d, d], kind: 'matrix', init: { identity: scale } },
  ]);
  return { m: { shape, kind: 'vector' }, ...Object.fromEntries(factors) };
}
