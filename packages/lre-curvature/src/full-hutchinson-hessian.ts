import { allFinite, resolve } from '@opt/core';
import type { Curvature } from './curvature.ts';
import { ofProducts, type ProductOptions, productOptions, products } from './products.ts';

/**
 * Rank-one estimates Hz·zᵀ of the Hessian (Martens et al. 2012), z Rademacher by default. Symmetrised by `lre` they become
 * ¼(z+Hz)(z+Hz)ᵀ, whose mean is (I+H)²/4; with `symmetrize: false` they are (Hz·zᵀ + z·Hzᵀ)/2, whose mean is H.
 */
export function fullHutchinsonHessian(options: ProductOptions = {}): Curvature {
  const name = 'full-hutchinson-hessian';
  const { declare, probe, read } = products(name, resolve(name, options, productOptions('rademacher', false)));
  return {
    ...ofProducts,
    name,
    signed: false,
    multiplies: false,
    asymmetric: true,
    columns: 1,
    declare: (owner, d, _, at) => declare(owner, d, at),
    probe,
    observe(step) {
      if (!step.refresh) return {};
      const { z, Hz } = read(step);
      const accepted = allFinite(Hz);
      return { correction: { Y: Hz.reshape([1, -1]), Z: z.reshape([1, -1]), accepted }, product: { z, Hz } };
    },
  };
}
