import { closedUnit, optional, positive, type Rule, resolve, type Setting, unit } from '@opt/core';
import { adam } from './adam.ts';
import { type DecoupledOptions, decoupled, decoupledOptions } from './decoupled.ts';

export interface AdamWOptions extends DecoupledOptions {
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
    ...decoupledOptions('adamw', { learningRate: 1e-3, weightDecay: 0.01 }),
    beta1: unit(0.9),
    beta2: unit(0.999),
    epsilon: positive(1e-8),
    amsgradBeta: optional(closedUnit(1)),
  });
  const { name, beta1, beta2, epsilon, amsgradBeta } = resolved;
  return decoupled(resolved, adam({ name, beta1, beta2, epsilon, amsgradBeta }));
}
