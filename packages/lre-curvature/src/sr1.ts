import { fixed, flag, norm, resolve, type Tensor, where } from '@opt/core';
import type { Curvature } from './curvature.ts';
import { dot, ofProducts, type ProductOptions, productOptions, products } from './products.ts';

export interface Sr1Options extends ProductOptions {
  /** Least |eᵀs|/(‖e‖‖s‖) of a correction, ≥ 0, default 1e-16. */
  readonly tol?: number;
  /** Track the inverse: z and Hz swap roles. The stages inside must then multiply by the eigenvalues: `lTimes()`. Default false. */
  readonly inverse?: boolean;
  /** Refuse corrections with a minus sign. Default false. */
  readonly positiveOnly?: boolean;
}

/**
 * Symmetric rank one (Nocedal & Wright, 6.2) from exact products: with (s, y) = (z, Hz), e = y − Bs, c = eᵀs, the correction is
 * sign(c)·eeᵀ/|c|; none where |c| ≤ tol·‖e‖‖s‖. Use a basis that sums, `beta: null`.
 */
export function sr1(options: Sr1Options = {}): Curvature {
  const name = 'sr1';
  const o = resolve(name, options, {
    ...productOptions('normal', true),
    tol: fixed(1e-16, { rule: 'a finite number >= 0', holds: (x) => Number.isFinite(x) && x >= 0 }),
    inverse: flag(false),
    positiveOnly: flag(false),
  });
  const { declare, probe, read } = products(name, o);
  return {
    ...ofProducts,
    name,
    signed: !o.positiveOnly,
    multiplies: true,
    asymmetric: false,
    columns: 1,
    declare: (owner, d, _, at) => declare(owner, d, at),
    probe,
    observe(step) {
      if (!step.refresh) return {};
      const product = read(step);
      const [s, y] = o.inverse ? [product.Hz, product.z] : [product.z, product.Hz];
      const { v, sign, accepted } = sr1Correction(s, y, step.matrix.multiply(s), o.tol, o.positiveOnly);
      const Y = v.reshape([1, -1]);
      return { correction: { Y, accepted, ...(!o.positiveOnly && { alpha: sign.reshape([1]) }) }, product };
    },
  };
}

function sr1Correction(
  s: Tensor,
  y: Tensor,
  Bs: Tensor,
  tol: number,
  positiveOnly: boolean,
): { v: Tensor; sign: Tensor; accepted: Tensor } {
  const e = y.sub(Bs);
  const c = dot(e, s);
  // Products that are not finite fail the comparison too.
  const wide = c
    .abs()
    .gt(norm(e).mul(norm(s)).mul(tol))
    .mul(c.isFinite());
  const accepted = positiveOnly ? wide.mul(c.gt(0)) : wide;
  return { v: where(accepted, e.div(where(accepted, c.abs(), 1).sqrt()), 0), sign: where(accepted, c.sign(), 1), accepted };
}
