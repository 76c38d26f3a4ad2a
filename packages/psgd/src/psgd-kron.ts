import { nonNegative, type Rule, resolve, rule, type Setting } from '@opt/core';
import { decay, descend, type GeneralOptions, general, generalOptions } from '@opt/transforms';
import { type KronOptions, kronOf, kronOptions } from './kron.ts';

export interface PsgdKronOptions extends GeneralOptions, Omit<KronOptions, 'name'> {
  /** η ≥ 0, default 3e-4. */
  readonly learningRate?: Setting;
  /** λ ≥ 0, default 0: w ← w − ηλw before the step, for parameters of rank ≥ 2 only. */
  readonly weightDecay?: Setting;
}

/**
 * PSGD-Kron (Li 2018, 2024; as evanatyourservice/kron_torch): w ← w(1 − ηλ) − η·u, u the direction of `kron`. Every update of the
 * factors, by default all of the first 500 steps and later one in 33, costs about three ordinary steps.
 *
 * While gradients are 0 the factors grow with every update, and u is 0; what comes after is bounded by the limit on rms(u).
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function psgdKron(options: PsgdKronOptions = {}): Rule {
  const { learningRate, weightDecay, ...o } = resolve('psgd-kron', options, {
    ...generalOptions('psgd-kron'),
    ...kronOptions,
    learningRate: nonNegative(3e-4),
    weightDecay: nonNegative(0),
  });
  return general(o, rule(kronOf(o), decay({ learningRate, weightDecay, decayOnly: 'matrices' }), descend({ learningRate })));
}
