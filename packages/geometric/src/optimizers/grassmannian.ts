import { choice, resolve } from '@opt/core';
import { type ManifoldRule, manifoldRule } from '../manifold-rule.ts';
import { grassmannManifold } from '../manifolds/grassmann.ts';
import { polarFactor } from '../polar-options.ts';
import { learningRateOption, type ManifoldOptions, sharedOptions } from '../shared-options.ts';

export interface GrassmannianOptions extends ManifoldOptions {
  /** msign(xi), turning every principal angle alike (default, η 0.02), or the horizontal gradient xi. */
  readonly direction?: 'spectral' | 'riemannian';
  /** Default 'polar'; 'geodesic' is exact. */
  readonly retraction?: 'polar' | 'geodesic';
}

/**
 * Subspaces spanned by the columns of a tall W, or by the rows of a wide one: motion inside the subspace is discarded, which is right only
 * where the loss does not see it; `verticalFraction` near 1 says otherwise. Square matrices go to AdamW. η is an angle, default 0.02.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option · TransformError if `strict`
 */
export function grassmannian(options: GrassmannianOptions = {}): ManifoldRule {
  const o = resolve('grassmannian', options, {
    ...sharedOptions('grassmannian'),
    learningRate: learningRateOption(options, 0.02),
    direction: choice('spectral', ['spectral', 'riemannian']),
    retraction: choice('polar', ['polar', 'geodesic']),
  });
  return manifoldRule(o, { manifold: grassmannManifold({ ...o, polar: polarFactor(o), complete: !o.strict }) });
}
