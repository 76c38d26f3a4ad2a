import { clipped, identity, printShape, type Shape, ShapeError, type Site, type Tensor, where } from '@opt/core';

/**
 * Matrices over the last two axes; leading axes are a batch. Formulas stand for the tall form (rows ≥ columns); a wide matrix is
 * read as its transpose, without moving an element.
 */

export function sides(x: { readonly shape: Shape }): readonly [rows: number, columns: number] {
  const [rows, columns] = x.shape.slice(-2);
  if (rows === undefined || columns === undefined) throw new ShapeError(`a matrix is needed, received shape ${printShape(x.shape)}`);
  return [rows, columns];
}

export const isTall = (x: Tensor): boolean => sides(x)[0] >= sides(x)[1];

interface Product {
  readonly alpha?: Tensor | number;
  readonly add?: Tensor;
  readonly beta?: Tensor | number;
}

/** wᵀu [p, p] of the tall forms; marked symmetric where w is u. */
export const inner = (w: Tensor, u: Tensor): Tensor => (isTall(w) ? w.matmul(u, { transposeA: true }) : w.matmul(u, { transposeB: true }));

/** w·S for the tall form, S [p, p], plus what `options` add. */
export const along = (w: Tensor, S: Tensor, options: Product = {}): Tensor =>
  isTall(w) ? w.matmul(S, options) : S.matmul(w, { transposeA: true, ...options });

export const sym = (x: Tensor): Tensor => x.add(x.T).mul(0.5);

/** Sum over each matrix, as [..., 1, 1]. */
export const total = (x: Tensor): Tensor => x.sum([-2, -1], { keep: true });

/** The largest element of each matrix, as [..., 1, 1]. */
export const largest = (x: Tensor): Tensor => x.maximum([-2, -1], { keep: true });

/** ⟨a, b⟩ of each pair of matrices. */
export const dot = (a: Tensor, b: Tensor): Tensor => total(a.mul(b));

/** x, or 1 where x is 0: what may be divided by. */
export const nonZero = (x: Tensor): Tensor => where(x.eq(0), 1, x);

/** The axes of a matrix. */
export const matrixAxes: readonly number[] = [-2, -1];

/** Kept short enough for products with points of a manifold, and with itself, to be finite: a longer gradient counts as one of that length. */
export const shortened = (x: Tensor, { largest: most }: Site): Tensor => clipped([x], Math.sqrt(most) / 2 ** 16)(x);

/** Sum of the diagonal of each square matrix. */
export const trace = (x: Tensor): Tensor => total(x.mul(identity(sides(x)[1])));

/** x + c·I. */
export const addIdentity = (x: Tensor, c: Tensor | number = 1): Tensor => x.add(identity(sides(x)[1]).mul(c));

/** max|A − I| over all matrices of the batch: how far from orthonormal a matrix with the Gram matrix A is. */
export const deviation = (A: Tensor): Tensor => addIdentity(A, -1).abs().maximum();

/** M⁻¹B through the normal equations, for M close to I: MᵀM is positive definite. */
export function solve(M: Tensor, B: Tensor): Tensor {
  const L = M.matmul(M, { transposeA: true }).cholesky();
  return L.solveTriangular(L.solveTriangular(M.matmul(B, { transposeA: true })), { transpose: true });
}
