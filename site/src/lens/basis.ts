import { type Matrix, product } from './matrix.ts';

/** QᵀAQ: a covariance in the coordinates of a basis. */
export const inBasis = (A: Matrix, Q: Matrix): Matrix => product(Q, product(A, Q), true);

/** Σ A_ii² / Σ A_ij²: 1 where A is diagonal, 1/n where every entry is the same. */
export function diagonality({ rows, data }: Matrix): number {
  let [diagonal, all] = [0, 0];
  data.forEach((value, i) => {
    all += value * value;
    if (i % (rows + 1) === 0) diagonal += value * value;
  });
  return all > 0 ? diagonal / all : Number.NaN;
}

/**
 * How far a basis has turned, in degrees: over its columns the mean angle to that column before which it is nearest to, whatever its sign. So
 * a new order of the same columns is no turn. 0 … 90.
 */
export function turned(before: Matrix, after: Matrix): number {
  const n = before.rows;
  const overlap = product(before, after, true).data;
  let sum = 0;
  for (let j = 0; j < n; j++) {
    let nearest = 0;
    for (let i = 0; i < n; i++) nearest = Math.max(nearest, Math.abs(overlap[i * n + j] ?? 0));
    sum += Math.acos(Math.min(1, nearest));
  }
  return (180 * sum) / (Math.PI * n);
}
