import { positive, resolve, type Setting, text, where } from '@opt/core';
import type { WeightHook } from './hook.ts';
import { length } from './length.ts';

export interface RelativeUpdateOptions {
  /** ε > 0, default 1e-15: shorter directions become 0, beside shorter weights the direction stays as it is. */
  readonly epsilon?: Setting;
  /** Name in messages, default 'relative-update'. */
  readonly name?: string;
}

/**
 * Steps relative to the weights: U ← (‖W‖/‖U‖)·U, so that ‖ΔW‖ = η‖W‖. Zero weights take a plain step first; from there the norm grows
 * by at most 1+η a call, so give them a small random start, or some steps without the hook.
 *
 * Source: NVIDIA-NeMo/Emerging-Optimizers, weight_update_hooks/relative_update.py, whose zero weights never move.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function relativeUpdate(options: RelativeUpdateOptions = {}): WeightHook {
  const { name, epsilon } = resolve('relative-update', options, { epsilon: positive(1e-15), name: text('relative-update') });
  return {
    name,
    hypers: [epsilon],
    apply({ update, weight, site }) {
      const least = site.hyper(epsilon);
      const [a, b] = [length(weight, site), length(update, site)];
      return { update: update.mul(where(a.lt(least), 1, where(b.lt(least), 0, a.div(b)))) };
    },
  };
}
