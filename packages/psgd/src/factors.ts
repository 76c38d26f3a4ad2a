import { alongAxis, axisGram, type Shape, size, type Tensor, unfolding } from '@opt/core';

/** Q_k of one axis: an upper triangular matrix [d, d], or the diagonal [d] of one. */
export type Factor = Tensor;

const isDiagonal = (Q: Factor): boolean => Q.shape.length === 1;

/** A vector of the length of an axis, so that it broadcasts along it. */
const laid = (q: Tensor, shape: Shape, axis: number): Tensor => q.reshape([-1, ...shape.slice(axis + 1).map(() => 1)]);

/** Q_k·x along its axis. */
export const multiplied = (x: Tensor, axis: number, Q: Factor): Tensor =>
  isDiagonal(Q) ? x.mul(laid(Q, x.shape, axis)) : alongAxis(x, axis, Q);

/** Q_k⁻ᵀ·x along its axis. */
export function solved(x: Tensor, axis: number, Q: Factor): Tensor {
  if (isDiagonal(Q)) return x.div(laid(Q, x.shape, axis));
  const { matrix, fold } = unfolding(x, axis);
  return fold(Q.T.solveTriangular(matrix));
}

/** P_k·x along its axis, P_k = Q_kᵀQ_k; formed where that is cheaper than two products with Q_k. */
export function preconditioned(x: Tensor, axis: number, Q: Factor): Tensor {
  if (isDiagonal(Q)) return x.mul(laid(Q.square(), x.shape, axis));
  const [d = 1] = Q.shape;
  if (d < 2 * (size(x.shape) / d)) return alongAxis(x, axis, Q.matmul(Q, { transposeA: true }));
  return alongAxis(alongAxis(x, axis, Q), axis, Q, { transpose: true });
}

/** X₍k₎X₍k₎ᵀ, or its diagonal where the factor is diagonal. */
export function secondMoment(x: Tensor, axis: number, Q: Factor): Tensor {
  if (!isDiagonal(Q)) return axisGram(x, axis);
  return x.square().sum([...x.shape.keys()].filter((other) => other !== axis));
}
