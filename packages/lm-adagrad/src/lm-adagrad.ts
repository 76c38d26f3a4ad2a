import { choice, concatenated, flag, integer, nonNegative, positive, type Rule, resolve, rule, type Setting, unit } from '@opt/core';
import { type DecayOnly, decay, decayOnlyOption, descend, type GeneralOptions, general, generalOptions } from '@opt/transforms';
import { historyWhitening } from './history-whitening.ts';

export interface LmAdagradOptions extends GeneralOptions {
  /** η ≥ 0, default 1e-2: an upper bound of the length of the step of a whole group, unless `centered`. */
  readonly learningRate?: Setting;
  /** k: how many past gradients are kept, integer ≥ 1, default 10; 4kd bytes of state. */
  readonly historySize?: number;
  /** ε > 0 added to σ², in the unit of ‖g‖²; default 1e-6. */
  readonly epsilon?: Setting;
  /** Whiten by deviations from the mean of the history: then steps have no such bound, see the README. Default false. */
  readonly centered?: boolean;
  /** All parameters as one vector (default), or each on its own. */
  readonly concatenate?: boolean;
  /** μ in [0, 1), default 0: off. */
  readonly momentum?: Setting;
  /** Average the gradient that is whitened (default) or the whitened update, as in LaProp. */
  readonly momentumMode?: 'gradient' | 'update';
  /** λ ≥ 0 of the decay after the step, p ← p − ηλp, default 0. */
  readonly weightDecay?: Setting;
  /** `'matrices'`: only parameters of two axes and more decay; null (default): all, biases and gains too. */
  readonly decayOnly?: DecayOnly;
  /** Factor of a direction of size σ: (σ²+ε)^−½ (`'adagrad'`, default) or σ²(σ²+ε)^−³ᐟ² (`'ggt'`, Agarwal et al. 2018). */
  readonly damping?: 'adagrad' | 'ggt';
}

/**
 * Limited-memory full-matrix Adagrad (inikishev 2025): with the last k gradients as columns of M = UΣVᵀ,
 *
 *     u = U(Σ² + ε)^−½Uᵀg    p ← p − ηu    p ← p − ηλp
 *
 * over the singular values that are not zero. The first step is η·g/√(‖g‖²+ε). Elements of g beyond √(M/16kd), M being the largest number and
 * d the length of the group, count as that.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function lmAdagrad(options: LmAdagradOptions = {}): Rule {
  const o = resolve('lm-adagrad', options, {
    ...generalOptions('lm-adagrad'),
    learningRate: nonNegative(1e-2),
    historySize: integer(10),
    epsilon: positive(1e-6),
    centered: flag(false),
    concatenate: flag(true),
    momentum: unit(0),
    momentumMode: choice('gradient', ['gradient', 'update']),
    weightDecay: nonNegative(0),
    decayOnly: decayOnlyOption,
    damping: choice('adagrad', ['adagrad', 'ggt']),
  });
  const { learningRate, weightDecay, decayOnly } = o;
  const direction = historyWhitening(o);
  return general(
    o,
    rule(o.concatenate ? concatenated(direction) : direction, descend({ learningRate }), decay({ learningRate, weightDecay, decayOnly })),
  );
}
