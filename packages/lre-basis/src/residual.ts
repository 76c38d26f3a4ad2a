import { iota, norm, scaled, type Tensor, where } from '@opt/core';

/**
 * An orthonormal basis [d, m] of what the rows of T [m, d] have outside of the columns of Q [d, R], cleaned twice. What a row keeps
 * of rounding noise only, and rows that depend on others, give columns of 0.
 */
export function residual(T: Tensor, Q: Tensor | undefined, epsilon: number): Tensor {
  const clean = (X: Tensor): Tensor => (Q === undefined ? X : X.sub(X.matmul(Q).matmul(Q, { transposeB: true })));
  const lengths = norm(T, [1]);
  const E = clean(clean(T));
  const rest = scaled([E], [1]);
  const counts = rest.norm.gt(lengths.mul(32 * epsilon));
  // Unit columns, so that a small correction is not lost beside a large one.
  const unit = where(counts, rest.to(E, 1), 0);
  return unit.T.orthonormalize('zero', 100 * epsilon);
}

/** 1 for the columns of an orthonormal matrix that are not 0. */
export const present = (P: Tensor): Tensor => P.square().sum([0]).gt(0.5);

/** ½(X + Xᵀ). */
export const symmetrised = (X: Tensor): Tensor => X.add(X.T).mul(0.5);

/** diag(x). */
export function diagonal(x: Tensor): Tensor {
  const [n = 0] = x.shape;
  return iota(n).reshape([n, 1]).eq(iota(n)).mul(x);
}
