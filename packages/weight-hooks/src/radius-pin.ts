import { positive, resolve, type Setting, scaled, text, where } from '@opt/core';
import type { WeightHook } from './hook.ts';
import { length } from './length.ts';

export interface RadiusPinOptions {
  /** ε > 0, default 1e-15: weights shorter than this before the step are not pinned. */
  readonly epsilon?: Setting;
  /** Name in messages, default 'radius-pin'. */
  readonly name?: string;
}

/**
 * The length that the step has to first order: r = ⟨W', W⟩/‖W‖ = ‖W‖ − η⟨U, W⟩/‖W‖ with W' the weights after the step, at least 10⁻⁸,
 * then W' ← W'·r/‖W'‖. Removes the growth that tangential steps cause.
 *
 * Source: KellerJordan/modded-nanogpt, record of track 3, 2026-06-19, which all but freezes zero weights.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function radiusPin(options: RadiusPinOptions = {}): WeightHook {
  const { name, epsilon } = resolve('radius-pin', options, { epsilon: positive(1e-15), name: text('radius-pin') });
  return {
    name,
    hypers: [epsilon],
    fixesLength: true,
    apply({ weight, site }) {
      const before = length(weight, site);
      const unit = weight.div(before.max(least));
      return {
        after(moved) {
          const r = moved.mul(unit).sum().max(least).min(site.largest);
          return where(before.lt(site.hyper(epsilon)), moved, scaled([moved]).to(moved, r));
        },
      };
    },
  };
}

const least = 1e-8;
