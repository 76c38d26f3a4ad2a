import { iota, type Tensor, where } from '@opt/core';

/**
 * An orthonormal basis [d, m] of what the rows of T [m, d] have outside of the columns of Q [d, R], cleaned twice. What a row keeps
 * of rounding noise only, and rows that depend on others, give columns of 0.
 */
export function residual(T: Tensor, Q: Tensor | undefined, epsilon: number): Tensor {
  const clean = (X: Tensor): Tensor => (Q === undefined ? X : X.sub(X.matmul(Q).matmul(Q, { transposeB: true })));
  const lengths = lengthsOf(T);
  const E = clean(clean(T));
  const rest = lengthsOf(E);
  const counts = rest.gt(lengths.mul(32 * epsilon));
  // Unit columns, so that a small correction is not lost beside a large one.
  const unit = where(counts, E.div(where(counts, rest, 1)), 0);
  return unit.T.orthonormalize('zero', 100 * epsilon);
}

/** The length of every row, [m, 1]. */
function lengthsOf(X: Tensor): Tensor {
  const scale = X.abs().maximum([1], { keep: true });
  const safe = where(scale.gt(0), scale, 1);
  return X.div(safe).square().sum([1], { keep: true }).sqrt().mul(scale);
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
