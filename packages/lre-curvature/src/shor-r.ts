import { fixed, resolve, where } from '@opt/core';
import type { Curvature } from './curvature.ts';
import { dot, ofProducts, type ProductOptions, productOptions, products } from './products.ts';

export interface ShorROptions extends ProductOptions {
  /** a ≥ 0, default 0.5: below 1 space shrinks along the product, above it grows. */
  readonly alpha?: number;
}

/** Space dilation (Shor 1985) along y = Hz: B ← B − (1−a²)·By(By)ᵀ/yᵀBy. An experiment of the original's; from an empty basis nothing ever comes. */
export function shorR(options: ShorROptions = {}): Curvature {
  const name = 'shor-r';
  const o = resolve(name, options, {
    ...productOptions('normal', false),
    alpha: fixed(0.5, { rule: 'a finite number >= 0', holds: (x) => Number.isFinite(x) && x >= 0 }),
  });
  const { declare, probe, read } = products(name, o);
  const dilation = 1 - o.alpha ** 2;
  return {
    ...ofProducts,
    name,
    signed: dilation > 0,
    multiplies: true,
    asymmetric: false,
    columns: 1,
    declare: (owner, d, _, at) => declare(owner, d, at),
    probe,
    observe(step) {
      if (!step.refresh) return {};
      const product = read(step);
      const By = step.matrix.multiply(product.Hz);
      const q = dot(product.Hz, By);
      const accepted = q.gt(0).mul(q.isFinite());
      const Y = where(accepted, By.mul(where(accepted, q, 1).reciprocal().mul(Math.abs(dilation)).sqrt()), 0).reshape([1, -1]);
      const alpha = accepted.mul(0).sub(Math.sign(dilation)).reshape([1]);
      return { correction: { Y, accepted, ...(dilation > 0 && { alpha }) }, product };
    },
  };
}
