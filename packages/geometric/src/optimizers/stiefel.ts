import { choice, flag, resolve } from '@opt/core';
import { type ManifoldRule, manifoldRule } from '../manifold-rule.ts';
import { stiefelManifold } from '../manifolds/stiefel.ts';
import { integerIn, nonNegativeNumber, positiveNumber } from '../options.ts';
import { polarFactor } from '../polar-options.ts';
import { quinticOnWeights } from '../projected.ts';
import { learningRateOption, type ManifoldOptions, sharedOptions } from '../shared-options.ts';

export interface StiefelOptions extends ManifoldOptions {
  /** r > 0, default 1. */
  readonly radius?: number;
  /** msign(xi), turning every direction alike (default, η 0.02), or the Riemannian gradient xi. */
  readonly direction?: 'spectral' | 'riemannian';
  /** How a step comes back to the manifold, default 'polar'. */
  readonly retraction?: 'polar' | 'qr' | 'cayley';
  /** Steps of dual ascent towards the exact tangent direction, 0..1000, default 0; it converges slowly. */
  readonly dualSteps?: number;
  /** > 0, default 0.05. */
  readonly dualLearningRate?: number;
  /** ≥ 0, default 1e-6. */
  readonly dualTolerance?: number;
  /** Make the dual ascent independent of the gradient's length, default true. */
  readonly dualNormalize?: boolean;
}

/** The options of Stiefel proper, as `resolve` reads them. */
const table = {
  radius: positiveNumber(1),
  direction: choice('spectral', ['spectral', 'riemannian']),
  retraction: choice('polar', ['polar', 'qr', 'cayley']),
  dualSteps: integerIn(0, 0, 1000),
  dualLearningRate: positiveNumber(0.05),
  dualTolerance: nonNegativeNumber(1e-6),
  dualNormalize: flag(true),
};

/**
 * WᵀW = r²I (WWᵀ if wide), by SPEL: xi = U − w sym(wᵀU), A = msign(xi), W ← r·polar(w − ηA) with w = W/r. η is the angle of a step, default
 * 0.02. Any matrix; kernels are flattened. State: B, the shape of W.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option · TransformError if `strict`
 */
export function stiefel(options: StiefelOptions = {}): ManifoldRule {
  const o = resolve('stiefel', options, {
    ...sharedOptions('stiefel'),
    learningRate: learningRateOption(options, 0.02),
    ...table,
  });
  return manifoldRule(o, {
    manifold: stiefelManifold({ ...o, polar: polarFactor(o), complete: !o.strict }),
    projections: { 'newton-schulz': { map: quinticOnWeights(o, o.projectionEpsilon) } },
  });
}
