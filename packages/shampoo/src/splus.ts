import {
  chain,
  fixed,
  type Hyper,
  inBasis,
  integer,
  moderate,
  nonNegative,
  perTensor,
  type Rule,
  resolve,
  rule,
  type Setting,
  type Shape,
  type Transform,
  unit,
  where,
} from '@opt/core';
import { decay, descend, ema, type GeneralOptions, general, generalOptions } from '@opt/transforms';
import { sideBases } from './side-bases.ts';

export interface SplusOptions extends GeneralOptions {
  /** η ≥ 0, default 0.1; matrices are moved by η·2/(m + n), all else by η·`nonstandardScale`. */
  readonly learningRate?: Setting;
  /** β₁ of the momentum, [0, 1), default 0.9. */
  readonly beta1?: Setting;
  /** β₂ of the factors, [0, 1), default 0.999. */
  readonly beta2?: Setting;
  /** ρ of the average of the weights, [0, 1), default 0.999. */
  readonly emaRate?: Setting;
  /** f: steps between new bases, integer ≥ 1, default 100. */
  readonly inverseEvery?: number;
  /** λ ≥ 0 of the decay after the step, at the rate of the step; default 0.01. */
  readonly weightDecay?: Setting;
  /** Sides this long, and longer ones, have no basis, integer ≥ 1, default 10000; a side of d costs 8d² bytes. */
  readonly maxDim?: number;
  /** Factor of η for all that is no matrix, or one with a side longer than `maxDim`; > 0, default 0.001. */
  readonly nonstandardScale?: number;
  /** Entries up to this times the largest of a rotated momentum have no sign, [0, 1), default 1e-5: their sign would be one of rounding. */
  readonly signTolerance?: number;
}

/**
 * SPlus (Frans et al. 2025): the sign of the momentum in the eigenbases of Shampoo's factors. For a matrix [m, n], t steps done,
 *
 *     M ← β₁M + (1−β₁)G    U = Q_L·sgn(Q_LᵀMQ_R)·Q_Rᵀ    W ← W − η_sU    a ← ρa + (1−ρ)W    W ← W(1 − η_sλ)
 *
 * with η_s = 2η/(m + n) and the bases of `sideBases`, the identity in the first step. Every step is √(mn)·η_s long, whatever the gradient.
 * Other tensors: U = sgn(M), η_s = η·`nonstandardScale`. A model is to be judged with a/(1 − ρᵗ): `optimizer.evaluation`, and what `finalize` leaves.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function splus(options: SplusOptions = {}): Rule {
  const o = resolve('splus', options, {
    ...generalOptions('splus'),
    learningRate: nonNegative(0.1),
    beta1: unit(0.9),
    beta2: unit(0.999),
    emaRate: unit(0.999),
    inverseEvery: integer(100),
    weightDecay: nonNegative(0.01),
    maxDim: integer(10000),
    nonstandardScale: fixed(0.001, { rule: 'a finite number > 0', holds: (x) => Number.isFinite(x) && x > 0 }),
    signTolerance: fixed(1e-5, { rule: 'in [0, 1)', holds: (x) => x >= 0 && x < 1 }),
  });
  const { name, learningRate, beta1, beta2, emaRate, inverseEvery, weightDecay, maxDim, nonstandardScale, signTolerance } = o;
  const rateOf = (shape: Shape): number => {
    const [m = 1, n = 1] = shape;
    return shape.length === 2 && m <= maxDim && n <= maxDim ? 2 / (m + n) : nonstandardScale;
  };
  const inner = chain(ema({ beta: beta1, name: 'momentum' }), signs(signTolerance, rateOf));
  const direction = inBasis(sideBases({ name, beta2, inverseEvery, maxDim }), inner);
  const moves = [descend({ learningRate }), weightAverage(emaRate), decay({ learningRate, weightDecay, rateOf })];
  return general(o, rule(direction, ...moves));
}

/** sgn(X)·s(shape); in matrices, 0 for entries up to `tolerance` times the largest. */
const signs = (tolerance: number, scaleOf: (shape: Shape) => number): Transform =>
  perTensor({
    name: 'sign',
    apply({ update: X }) {
      const scale = scaleOf(X.shape);
      if (X.shape.length !== 2) return { update: moderate(X.sign().mul(scale)) };
      const size = X.abs();
      return { update: moderate(X.sign().mul(size.gt(size.maximum().mul(tolerance)).mul(scale))) };
    },
  });

/** a ← ρa + (1−ρ)p from 0, and the weight in it, 1 − ρᵗ; a model is judged with a/(1 − ρᵗ). */
const weightAverage = (emaRate: Hyper): Transform =>
  perTensor({
    name: 'average',
    hyper: { emaRate },
    state: ({ shape }) => ({ a: { shape, kind: 'invariant' }, weight: { shape: [], kind: 'invariant', dtype: 'wide' } }),
    once(moment, parameter, owner, site) {
      if (moment === 'construct') return parameter;
      const weight = site.get('weight', owner);
      return where(weight.gt(0), site.get('a', owner).div(where(weight.gt(0), weight, 1)), parameter);
    },
    apply({ parameter, state: { a, weight }, hyper }) {
      const rest = hyper.emaRate.not();
      return { state: { a: a.lerp(parameter, rest), weight: weight.lerp(1, rest) } };
    },
  });
