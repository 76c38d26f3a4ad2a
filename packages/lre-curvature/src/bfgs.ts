import { concat, fixed, iota, norm, nullable, resolve, type Tensor, where } from '@opt/core';
import type { Curvature } from './curvature.ts';
import { dot, ofProducts, type ProductOptions, productOptions, products } from './products.ts';

export interface BfgsOptions extends ProductOptions {
  /** Powell's damping: y is drawn towards Bs until sᵀy ≥ c·sᵀBs; in (0, 1), default 0.2; null: off. */
  readonly c?: number | null;
  /** Least sᵀy of a correction, > 0, default 1e-12. */
  readonly tol?: number;
}

/**
 * BFGS (Nocedal & Wright, 6.1) from exact products: with (s, y) = (z, Hz) the correction is yyᵀ/sᵀy − Bs(Bs)ᵀ/sᵀBs, none where
 * sᵀy ≤ tol. From an empty basis the rank grows only with probes orthogonal to it. Use a basis that sums, `beta: null`.
 */
export function bfgs(options: BfgsOptions = {}): Curvature {
  const name = 'bfgs';
  const o = resolve(name, options, {
    ...productOptions('normal', true),
    c: nullable(fixed(0.2, { rule: 'in (0, 1)', holds: (x) => x > 0 && x < 1 })),
    tol: fixed(1e-12, { rule: 'a finite number > 0', holds: (x) => Number.isFinite(x) && x > 0 }),
  });
  const { declare, probe, read } = products(name, o);
  return {
    ...ofProducts,
    name,
    signed: true,
    multiplies: true,
    asymmetric: false,
    columns: 2,
    declare: (owner, d, _, at) => declare(owner, d, at),
    probe,
    observe(step) {
      if (!step.refresh) return {};
      const product = read(step);
      const { z: s, Hz: y } = product;
      const Bs = step.matrix.multiply(s);
      // What rounding left of a product that should vanish is no curvature.
      const noise = norm(Bs).le(step.matrix.largest.mul(norm(s)).mul(64 * step.site.epsilon));
      const { u, w, accepted } = pair(s, y, where(noise, 0, Bs), o.c, o.tol);
      const alpha = iota(2).working().mul(-2).add(1);
      return { correction: { Y: concat([u.reshape([1, -1]), w.reshape([1, -1])]), alpha, accepted }, product };
    },
  };
}

/** u = y/√sᵀy and w = Bs/√(sᵀBs + tol), y damped. */
function pair(s: Tensor, y: Tensor, Bs: Tensor, c: number | null, tol: number): { u: Tensor; w: Tensor; accepted: Tensor } {
  const q = dot(s, Bs);
  const sy = dot(s, y);
  const theta = where(
    sy.lt(q.mul(c ?? 0)),
    q
      .mul(1 - (c ?? 0))
      .div(q.sub(sy).add(tol))
      .max(0)
      .min(1),
    1,
  );
  const damped = c === null ? y : Bs.lerp(y, theta);
  const curvature = dot(s, damped);
  const accepted = curvature.gt(tol).mul(dot(damped, damped).isFinite());
  const u = where(accepted, damped.div(where(accepted, curvature, 1).sqrt()), 0);
  return { u, w: where(accepted, Bs.div(q.add(tol).max(tol).sqrt()), 0), accepted };
}
