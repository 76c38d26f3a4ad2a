import {
  allFinite,
  chain,
  flag,
  nonNegative,
  perTensor,
  type Rule,
  repeat,
  resolve,
  rule,
  type Setting,
  type TensorStep,
  type Transform,
  unit,
  where,
} from '@opt/core';
import { ema } from '@opt/transforms';
import { type Manifold, onManifoldTolerance } from './manifold.ts';
import { shortened } from './matrix.ts';
import { demanded } from './options.ts';

/** u ← the tangent part of u at the parameter. */
export const tangent = (manifold: Manifold): Transform =>
  perTensor({
    name: 'tangent',
    apply: ({ update, parameter, site }) => ({ update: manifold.tangent(parameter, shortened(update, site)) }),
  });

/** u ← the steepest direction for the tangent u; u itself where the manifold has no rule for it. */
export const steepest = (manifold: Manifold): Transform =>
  perTensor({
    name: 'steepest',
    apply: ({ update, parameter, site }: TensorStep<never, never>) => ({
      update: manifold.lmo?.(parameter, update, site.epsilon) ?? update,
    }),
  });

/**
 * p ← retract(p, u, η·gain). At construction a parameter that is off by more than 10⁻⁶ is projected, with a line in the log; one that
 * has no projection is refused.
 */
export function retract(manifold: Manifold, options: { readonly learningRate: Setting }): Transform {
  return perTensor({
    name: 'retract',
    hyper: { learningRate: options.learningRate },
    once(moment, parameter, owner, site) {
      if (moment !== 'construct') return parameter;
      const on = manifold.error(parameter).le(onManifoldTolerance);
      const { w } = repeat(
        1,
        { w: parameter },
        (held) => ({ w: manifold.project(held.w, site.epsilon) }),
        () => on,
      );
      const placed = where(allFinite(w), manifold.error(w).le(reached), 0);
      site.insist(owner, placed, 'throw', `${manifold.name}: parameter '${owner}' must start near the manifold, it has no projection`);
      site.insist(owner, on, 'warn', `${manifold.name}: parameter '${owner}' was projected onto the manifold`);
      return w;
    },
    apply: ({ update, parameter, gain, hyper: { learningRate }, site }) => ({
      parameter: manifold.retract(parameter, update, gain === undefined ? learningRate : learningRate.mul(gain), site.epsilon),
    }),
  });
}

/** A projection that leaves more than this has failed. */
const reached = 1e-3;

export interface OnManifoldOptions {
  readonly learningRate: Setting;
  /** μ, default 0.95. */
  readonly momentum?: Setting;
  /** Look ahead, default true. */
  readonly nesterov?: boolean;
}

/** B ← μB + (1−μ)G, U = B or (1−μ)G + μB, xi = tangent(W, U), u = lmo(xi). B averages Euclidean gradients: nothing is transported. */
export const steepestDescent = (manifold: Manifold, momentum: Setting, nesterov: boolean): Transform =>
  chain(ema({ beta: momentum, nesterov, name: 'momentum' }), tangent(manifold), steepest(manifold));

/** Steepest descent on a manifold of one's own; the named optimizers add roles and the general options. */
export function onManifold(manifold: Manifold, options: OnManifoldOptions): Rule {
  const { learningRate, momentum, nesterov } = resolve('onManifold', options, {
    learningRate: demanded(nonNegative(0)),
    momentum: unit(0.95),
    nesterov: flag(true),
  });
  return rule(steepestDescent(manifold, momentum, nesterov), retract(manifold, { learningRate }));
}
