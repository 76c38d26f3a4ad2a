import { chain, closedUnit, flag, message, nonNegative, OptionRangeError, type Rule, resolve, rule, type Setting, unit } from '@opt/core';
import { type DecayOnly, decayOnlyOption, l2 } from './decay.ts';
import { descend } from './descend.ts';
import { type GeneralOptions, general, generalOptions } from './general.ts';
import { momentum } from './momentum.ts';

export interface SgdOptions extends GeneralOptions {
  /** η ≥ 0, default 0.01. */
  readonly learningRate?: Setting;
  /** μ in [0, 1), default 0: no buffer at all. */
  readonly momentum?: Setting;
  /** δ in [0, 1], default 0. */
  readonly dampening?: Setting;
  /** Look ahead; needs momentum > 0 and dampening 0. Default false. */
  readonly nesterov?: boolean;
  /** λ ≥ 0 of L2 regularisation, default 0. */
  readonly weightDecay?: Setting;
  /** `'matrices'`: only parameters of two axes and more decay; null (default): all, biases and gains too. */
  readonly decayOnly?: DecayOnly;
}

/**
 * Stochastic gradient descent: g ← g + λp; u = g, or that of `momentum`; p ← p − η·u. Order and signs are those of torch.optim.SGD.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function sgd(options: SgdOptions = {}): Rule {
  const resolved = resolve('sgd', options, {
    ...generalOptions('sgd'),
    learningRate: nonNegative(0.01),
    momentum: unit(0),
    dampening: closedUnit(0),
    nesterov: flag(false),
    weightDecay: nonNegative(0),
    decayOnly: decayOnlyOption,
  });
  const { name, learningRate, dampening, nesterov, weightDecay, decayOnly } = resolved;
  const still = resolved.momentum.value === 0;
  if (nesterov && still) throw new OptionRangeError(message(name, 'momentum', 'above 0 with nesterov', 0));
  if (nesterov && dampening.value !== 0) throw new OptionRangeError(message(name, 'dampening', '0 with nesterov', dampening.value));
  const direction = still
    ? l2({ weightDecay, decayOnly })
    : chain(l2({ weightDecay, decayOnly }), momentum({ momentum: resolved.momentum, dampening, nesterov, name }));
  return general(resolved, rule(direction, descend({ learningRate })));
}
