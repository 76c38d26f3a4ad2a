import {
  closedUnit,
  debias,
  flag,
  optional,
  perTensor,
  positive,
  resolve,
  type Setting,
  saturate,
  type Tensor,
  type TensorStep,
  type Transform,
  text,
  unit,
  where,
} from '@opt/core';
import { needsProduct } from './needs-product.ts';

export interface HutchinsonAdamOptions {
  /** Weight of the past in the mean m, [0, 1), default 0.9. */
  readonly beta1?: Setting;
  /** Weight of the past in D, [0, 1), default 0.99. */
  readonly beta2?: Setting;
  /** ε > 0, default 1e-8. */
  readonly epsilon?: Setting;
  /** a in x ← max(a·x, D), which stands in for D; null (default) is off. */
  readonly amsgradBeta?: Setting | null;
  /** Average squares, as AdaHessian does (default), or the estimates themselves and divide by |D|, as SophiaH does. */
  readonly square?: boolean;
  /** Estimate the diagonal by z∘Hz (default), or take Hz. */
  readonly zHz?: boolean;
  /** Prefix of state keys, default 'hutchinson-adam'. */
  readonly name?: string;
}

/**
 * Adam with Hutchinson's estimate of the Hessian's diagonal: on the n-th product w = z∘Hz, D ← β₂D + (1−β₂)w²; out
 * (m/(1−β₁ᵗ)) / (√(D/(1−β₂ⁿ)) + ε), and 0 before the first product.
 */
export function hutchinsonAdam(options: HutchinsonAdamOptions = {}): Transform {
  const { name, amsgradBeta, square, zHz, ...hyper } = resolve('hutchinson-adam', options, {
    beta1: unit(0.9),
    beta2: unit(0.99),
    epsilon: positive(1e-8),
    amsgradBeta: optional(closedUnit(1)),
    square: flag(true),
    zHz: flag(true),
    name: text('hutchinson-adam'),
  });
  // Only Hz itself is a vector; everything else is the diagonal of a matrix.
  const kind = square || zHz ? 'diagonal' : 'vector';

  function step(
    { update: u, state, hyper: h, count: t, site }: TensorStep<'m' | 'D' | 'n', keyof typeof hyper>,
    largest?: (D: Tensor) => Tensor,
  ) {
    const { z, Hz } = site.extras;
    const m = state.m.lerp(u, h.beta1.not());
    const product = z === undefined || Hz === undefined ? undefined : saturate(zHz ? z.mul(Hz) : Hz, site.largest, 2);
    const n = product === undefined ? state.n : state.n.add(1);
    const D = product === undefined ? state.D : state.D.lerp(square ? product.square() : product, h.beta2.not());
    const x = largest?.(D) ?? D;
    const unbiased = x.div(where(n.gt(0), debias(h.beta2, n), 1));
    const size = square ? unbiased.sqrt() : unbiased.abs();
    const update = where(n.gt(0), m.div(debias(h.beta1, t)).div(size.add(h.epsilon)), 0);
    return { update, state: { m, D, n }, x, fresh: product !== undefined };
  }

  if (amsgradBeta === null) {
    return perTensor({
      name,
      needs: [needsProduct],
      hyper,
      state: ({ shape }) => ({ m: { shape, kind: 'vector' }, D: { shape, kind }, n: { shape: [], kind: 'invariant' } }),
      apply(given) {
        const { update, state } = step(given);
        return { update, state };
      },
    });
  }
  return perTensor({
    name,
    needs: [needsProduct],
    hyper: { ...hyper, amsgradBeta },
    state: ({ shape }) => ({ m: { shape, kind: 'vector' }, D: { shape, kind }, n: { shape: [], kind: 'invariant' }, x: { shape, kind } }),
    apply(given) {
      const fresh = given.site.extras['z'] !== undefined;
      const { update, state, x } = step(given, (D) => (fresh ? given.state.x.mul(given.hyper.amsgradBeta).max(D) : given.state.x));
      return { update, state: { ...state, x } };
    },
  });
}
