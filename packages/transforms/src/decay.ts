import {
  choice,
  flag,
  message,
  nonNegative,
  type Option,
  OptionTypeError,
  optional,
  perTensor,
  resolve,
  type Setting,
  type Shape,
  saturate,
  type Transform,
} from '@opt/core';

/** `'matrices'`: only parameters of two axes and more decay, so not biases, gains and what a BatchNorm learns. */
export type DecayOnly = 'matrices' | null;

/** How `resolve` reads `decayOnly`. */
export const decayOnlyOption: Option<DecayOnly> = optional(choice<'matrices'>('matrices', ['matrices']));

/** Whether a parameter of this shape decays. */
const decays = (decayOnly: DecayOnly, { length }: Shape): boolean => decayOnly === null || length >= 2;

export interface DecayOptions {
  /** η ≥ 0, default 1e-3; not used by `'independent'`. */
  readonly learningRate?: Setting;
  /** λ ≥ 0, default 0.01. */
  readonly weightDecay?: Setting;
  /**
   * `'decoupled'` (default): p ← p − ηλp (Loshchilov & Hutter 2019). `'independent'`: p ← p − λp, whatever the learning rate.
   * `'cautious'`: p ← p − ηλp only where the direction shrinks the entry too, u∘p ≥ 0 (Chen et al. 2025).
   */
  readonly mode?: 'decoupled' | 'independent' | 'cautious';
  /** What η is multiplied by for a parameter of this shape, such as the factor of its step; default null, 1. Not used by `'independent'`. */
  readonly rateOf?: RateOf | null;
  /** Whether η is multiplied by the gain that travels beside the direction too, as `descend` multiplies it; default false: η alone. */
  readonly heedsGain?: boolean;
  /** Which parameters decay: all (null, default), or those of two axes and more. */
  readonly decayOnly?: DecayOnly;
}

type RateOf = (shape: Shape) => number;
const isRateOf = (value: unknown): value is RateOf => typeof value === 'function';
const rateOfOption: Option<RateOf | null> = (value, rule, option) => {
  if (value === undefined || value === null) return null;
  if (!isRateOf(value)) throw new OptionTypeError(message(rule, option, 'a function of the shape', value));
  return value;
};

/**
 * Weight decay as a move of its own: before `descend` as in AdamW, after it as in SOAP. A direction that sets its own rate by the gain, as
 * Prodigy does, decays by it too with `heedsGain`.
 */
export function decay(options: DecayOptions = {}): Transform {
  const { mode, rateOf, heedsGain, decayOnly, ...hyper } = resolve('decay', options, {
    learningRate: nonNegative(1e-3),
    weightDecay: nonNegative(0.01),
    mode: choice('decoupled', ['decoupled', 'independent', 'cautious']),
    rateOf: rateOfOption,
    heedsGain: flag(false),
    decayOnly: decayOnlyOption,
  });
  return perTensor({
    name: 'decay',
    hyper,
    apply({ update: u, parameter: p, gain, hyper: { learningRate, weightDecay } }) {
      if (!decays(decayOnly, p.shape)) return { parameter: p };
      if (mode === 'independent') return { parameter: p.mul(weightDecay.not()) };
      const plain = learningRate.mul(weightDecay).mul(rateOf?.(p.shape) ?? 1);
      const rate = heedsGain && gain !== undefined ? plain.mul(gain) : plain;
      return { parameter: mode === 'cautious' ? p.sub(p.mul(u.sign().mul(p.sign()).ge(0)).mul(rate)) : p.mul(rate.not()) };
    },
  });
}

/** u ← u + λp: decay as part of the gradient (L2 regularisation), λ ≥ 0, default 0; of all parameters, or those of two axes and more. */
export function l2(options: { readonly weightDecay?: Setting; readonly decayOnly?: DecayOnly } = {}): Transform {
  const { decayOnly, ...hyper } = resolve('l2', options, { weightDecay: nonNegative(0), decayOnly: decayOnlyOption });
  return perTensor({
    name: 'l2',
    hyper,
    apply: ({ update: u, parameter: p, hyper: { weightDecay }, site }) => ({
      update: decays(decayOnly, p.shape) ? saturate(u.add(p.mul(weightDecay)), site.largest) : u,
    }),
  });
}
