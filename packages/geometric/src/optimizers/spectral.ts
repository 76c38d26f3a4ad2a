import { resolve } from '@opt/core';
import { type ManifoldRule, manifoldRule } from '../manifold-rule.ts';
import { spectralBallManifold, spectralSphereManifold } from '../manifolds/spectral.ts';
import { positiveNumber } from '../options.ts';
import { polarFactor } from '../polar-options.ts';
import { learningRateOption, type ManifoldOptions, sharedOptions } from '../shared-options.ts';

export interface SpectralOptions extends ManifoldOptions {
  /** r > 0, default 1. */
  readonly radius?: number;
}

/** Matrices whose largest singular value is r: msign of the gradient without its part along the top singular pair; η default 0.02. */
export const spectralSphere = (options: SpectralOptions = {}): ManifoldRule =>
  spectralRule('spectral-sphere', options, spectralSphereManifold);

/** Matrices whose largest singular value is at most r: a Muon step, then W·min(1, r/s_max); η default 0.02. */
export const spectralBall = (options: SpectralOptions = {}): ManifoldRule => spectralRule('spectral-ball', options, spectralBallManifold);

function spectralRule(name: string, options: SpectralOptions, manifoldOf: typeof spectralSphereManifold): ManifoldRule {
  const o = resolve(name, options, {
    ...sharedOptions(name),
    learningRate: learningRateOption(options, 0.02),
    radius: positiveNumber(1),
  });
  return manifoldRule(o, { manifold: manifoldOf({ radius: o.radius, polar: polarFactor(o) }) });
}
