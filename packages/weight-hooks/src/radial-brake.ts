import { choice, closedUnit, norm, positive, resolve, type Setting, scaled, text, where } from '@opt/core';
import type { WeightHook } from './hook.ts';
import { length } from './length.ts';

export interface RadialBrakeOptions {
  /** `'norm'` (default): after the step, on what the norm did. `'component'`: before it, on the radial part of the direction. */
  readonly form?: 'norm' | 'component';
  /** s of what lengthens the weights, in [0, 1], default 0.5. */
  readonly outwardScale?: Setting;
  /** s of what shortens them, in [0, 1], default 1. */
  readonly inwardScale?: Setting;
  /** ε > 0, default 1e-15: a smaller change of the norm is undone, shorter weights stay as they are. */
  readonly epsilon?: Setting;
  /** Name in messages, default 'radial-brake'. */
  readonly name?: string;
}

/**
 * Damps what a step does to the length of the weights.
 *
 *     norm:       r = ‖W‖ before, δ = ‖W‖ − r after the step     W ← W·(r + sδ)/‖W‖
 *     component:  c = ⟨U, W⟩/max(⟨W, W⟩, 10⁻¹²)                  U ← U − cW + s·cW
 *
 * with s = `outwardScale` where the weights get longer (δ > 0, c < 0), else `inwardScale`. 'component' does not see the growth that a
 * tangential step causes; `radiusPin` removes just that. Zero weights with `outwardScale: 0` stay zero in form 'norm'.
 *
 * Source: NVIDIA-NeMo/Emerging-Optimizers, weight_update_hooks/radial_brake.py.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function radialBrake(options: RadialBrakeOptions = {}): WeightHook {
  const { name, form, outwardScale, inwardScale, epsilon } = resolve('radial-brake', options, {
    form: choice('norm', ['norm', 'component']),
    outwardScale: closedUnit(0.5),
    inwardScale: closedUnit(1),
    epsilon: positive(1e-15),
    name: text('radial-brake'),
  });
  return {
    name,
    hypers: [outwardScale, inwardScale, epsilon],
    apply({ update, weight, site }) {
      const [outward, inward, least] = [site.hyper(outwardScale), site.hyper(inwardScale), site.hyper(epsilon)];
      if (form === 'component') {
        const radius = length(weight, site).max(1e-6);
        const unit = weight.div(radius);
        const radial = update.mul(unit).sum();
        return { update: update.add(unit.mul(radial.mul(where(radial.lt(0), outward, inward).sub(1)))) };
      }
      const r = norm(weight).min(site.largest);
      return {
        after(moved) {
          const { norm: length, to } = scaled([moved]);
          const n = length.min(site.largest);
          const change = n.sub(r);
          const s = where(change.ge(least), outward, where(change.le(least.neg()), inward, 0));
          return where(n.lt(least), moved, to(moved, r.add(change.mul(s))));
        },
      };
    },
  };
}
