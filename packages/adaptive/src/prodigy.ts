import {
  chain,
  exact,
  fixed,
  flag,
  integer,
  nonNegative,
  optional,
  positive,
  type Rule,
  resolve,
  rule,
  type Setting,
  unit,
  within,
} from '@opt/core';
import { decay, descend, type GeneralOptions, general, generalOptions, l2 } from '@opt/transforms';
import { prodigyDirection } from './prodigy-direction.ts';

export interface ProdigyOptions extends GeneralOptions {
  /** η ≥ 0, default 1: leave it, or give a schedule; where it is 0 nothing moves and d stays. */
  readonly learningRate?: Setting;
  /** Weight of the past in the mean m, [0, 1), default 0.9; 0: no mean, and no slot. */
  readonly beta1?: Setting;
  /** Weight of the past in the mean square v, [0, 1), default 0.999. */
  readonly beta2?: Setting;
  /** Weight of the past in the two sums that d is made of, [0, 1); default null: √β₂. */
  readonly beta3?: Setting | null;
  /** d₀ > 0, default 1e-6: the first estimate of the distance to the solution. */
  readonly initialDistance?: number;
  /** c > 0, default 1: factor of the estimate. The option to tune. */
  readonly distanceCoefficient?: Setting;
  /** How much d may grow from one step to the next, ≥ 1, after its first estimate; default null: without limit. */
  readonly growthRate?: Setting | null;
  /** Correct the bias of m and v. Default false. */
  readonly correctBias?: boolean;
  /** Leave the learning rate out of one of the sums: for a warm-up. Default false. */
  readonly safeguardWarmup?: boolean;
  /** Decay of the parameter, with the rate ηd; default true. false: in the gradient, g + λp. */
  readonly decoupled?: boolean;
  /** The sums run over every so many entries only, integer ≥ 1, default 1: two slots are so much smaller. */
  readonly sliceEvery?: number;
  /** ε > 0, default 1e-8. */
  readonly epsilon?: Setting;
  /** λ ≥ 0, default 0. */
  readonly weightDecay?: Setting;
}

/**
 * Prodigy (Mishchenko & Defazio 2023): Adam whose rate is an estimate d of the distance to the solution, one number for all parameters.
 * With ℓ = dη (times √(1−β₂ᵗ)/(1−β₁ᵗ) if corrected), p₀ where a parameter began, and sums over all parameters
 *
 *     N ← β₃N + Σ (d/d₀)ℓ⟨g, p₀ − p⟩     s ← β₃s + (d/d₀)ℓg     d ← max(d, c·N/Σ|s|)
 *     m ← β₁m + (1−β₁)dg     v ← β₂v + (1−β₂)d²g²     p ← p(1 − λℓ) − ℓ·m/(√v + dε)
 *
 * From d₀ = 10⁻⁶ the first ten or so steps move nothing to be seen. While every gradient has been 0 nothing moves and d stays.
 *
 * Source: konstmish/prodigy, prodigyopt/prodigy.py.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function prodigy(options: ProdigyOptions = {}): Rule {
  const o = resolve('prodigy', options, {
    ...generalOptions('prodigy'),
    learningRate: nonNegative(1),
    beta1: exact(unit(0.9)),
    beta2: exact(unit(0.999)),
    beta3: optional(exact(unit(0))),
    initialDistance: fixed(1e-6, { rule: 'a finite number > 0', holds: (x) => Number.isFinite(x) && x > 0 }),
    distanceCoefficient: positive(1),
    growthRate: optional(within(1, { rule: 'a finite number >= 1', holds: (x) => Number.isFinite(x) && x >= 1 })),
    correctBias: flag(false),
    safeguardWarmup: flag(false),
    decoupled: flag(true),
    sliceEvery: integer(1),
    epsilon: positive(1e-8),
    weightDecay: nonNegative(0),
  });
  const { learningRate, weightDecay, decoupled } = o;
  const direction = prodigyDirection(o);
  const move = descend({ learningRate });
  return general(
    o,
    // The gain holds d.
    decoupled
      ? rule(direction, decay({ learningRate, weightDecay, heedsGain: true }), move)
      : rule(chain(l2({ weightDecay }), direction), move),
  );
}
