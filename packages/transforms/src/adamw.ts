import { closedUnit, nonNegative, optional, positive, type Rule, resolve, rule, type Setting, unit } from '@opt/core';
import { adam } from './adam.ts';
import { type DecayOnly, decay, decayOnlyOption } from './decay.ts';
import { descend } from './descend.ts';
import { type GeneralOptions, general, generalOptions } from './general.ts';

export interface AdamWOptions extends GeneralOptions {
  /** η ≥ 0, default 1e-3. */
  readonly learningRate?: Setting;
  /** β₁ in [0, 1), default 0.9. */
  readonly beta1?: Setting;
  /** β₂ in [0, 1), default 0.999. */
  readonly beta2?: Setting;
  /** ε > 0, default 1e-8. */
  readonly epsilon?: Setting;
  /** λ ≥ 0, default 0.01. */
  readonly weightDecay?: Setting;
  /** `'matrices'`: only parameters of two axes and more decay; null (default): all, biases and gains too. */
  readonly decayOnly?: DecayOnly;
  /** 1 is AMSGrad, null (default) is off; see `adam`. */
  readonly amsgradBeta?: Setting | null;
}

/**
 * AdamW (Loshchilov & Hutter 2019, algorithm 2): p ← p(1 − ηλ), then p ← p − η·u with the direction u of `adam`.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function adamw(options: AdamWOptions = {}): Rule {
  const resolved = resolve('adamw', options, {
    ...generalOptions('adamw'),
    learningRate: nonNegative(1e-3),
    beta1: unit(0.9),
    beta2: unit(0.999),
    epsilon: positive(1e-8),
    weightDecay: nonNegative(0.01),
    decayOnly: decayOnlyOption,
    amsgradBeta: optional(closedUnit(1)),
  });
  const { name, beta1, beta2, epsilon, amsgradBeta, learningRate, weightDecay, decayOnly } = resolved;
  return general(
    resolved,
    rule(adam({ name, beta1, beta2, epsilon, amsgradBeta }), decay({ learningRate, weightDecay, decayOnly }), descend({ learningRate })),
  );
}
