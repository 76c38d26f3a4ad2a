import { choice, optional, positive, resolve, type Setting, text, where } from '@opt/core';
import type { WeightHook } from './hook.ts';
import { length } from './length.ts';

export interface HyperballOptions {
  /** R > 0, or null (default): the norm each parameter has when the optimizer is made. */
  readonly radius?: Setting | null;
  /**
   * What `radius: null` means for weights that are zero: `'free'` (default), the hook leaves such a parameter alone for good; `'throw'`,
   * it is refused when the optimizer is made.
   */
  readonly zeroWeights?: 'free' | 'throw';
  /** ε > 0, default 1e-15: shorter directions become 0, shorter weights stay as they are. */
  readonly epsilon?: Setting;
  /** Prefix of state keys, default 'hyperball'. */
  readonly name?: string;
}

/**
 * Weights on a sphere: U ← (R/‖U‖)·U, and after the step W ← (R/‖W‖)·W. η becomes an angle; 0.005 to 0.05 is useful whatever the model.
 *
 * Source: NVIDIA-NeMo/Emerging-Optimizers, weight_update_hooks/hyperball.py.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option · TransformError for zero weights if `zeroWeights` is 'throw'
 */
export function hyperball(options: HyperballOptions = {}): WeightHook {
  const { name, zeroWeights, radius, epsilon } = resolve('hyperball', options, {
    radius: optional(positive(1)),
    zeroWeights: choice('free', ['free', 'throw']),
    epsilon: positive(1e-15),
    name: text('hyperball'),
  });
  const own = radius === null;
  return {
    name,
    hypers: own ? [epsilon] : [epsilon, radius],
    fixesLength: true,
    declare(owner, _, at) {
      if (own) at.slot('radius', owner, { shape: [], kind: 'invariant', init: unset });
    },
    construct(owner, weight, site) {
      if (!own || zeroWeights === 'free') return;
      const holds = length(weight, site).ge(site.hyper(epsilon));
      site.insist(owner, holds, 'throw', `${name}: parameter '${owner}' must not be zero where radius is its own norm; give a radius`);
    },
    apply({ update, start, owner, site }) {
      const least = site.hyper(epsilon);
      const R = own ? site.get('radius', owner) : site.hyper(radius);
      const before = length(start, site);
      const r = own ? where(R.lt(0), where(before.lt(least), 0, before), R) : R;
      if (own) site.set('radius', owner, r);
      const held = (x: typeof update, otherwise: number): typeof update => {
        const n = length(x, site);
        return x.mul(where(r.gt(0), where(n.lt(least), otherwise, r.div(n)), 1));
      };
      return { update: held(update, 0), after: (moved) => held(moved, 1) };
    },
  };
}

/** No step has been made yet. */
const unset = -1;
