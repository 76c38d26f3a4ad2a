import { reference } from '@opt/backend-reference';
import { trace } from '@opt/core';
import { runProgram } from '../run-program.ts';
import { values } from './harness.ts';

/** Small dense matrices in f64, row-major, for building test problems and measuring what came out. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

export const matrix = (rows: number, columns: number, at: (i: number, j: number) => number): Matrix => ({
  rows,
  columns,
  data: Float64Array.from({ length: rows * columns }, (_, k) => at(Math.floor(k / columns), k % columns)),
});

export const entry = ({ data, columns }: Matrix, i: number, j: number): number => data[i * columns + j] ?? Number.NaN;

export const eye = (n: number): Matrix => matrix(n, n, (i, j) => (i === j ? 1 : 0));
export const diagonal = (d: readonly number[]): Matrix => matrix(d.length, d.length, (i, j) => (i === j ? (d[i] ?? 0) : 0));
export const transposed = (a: Matrix): Matrix => matrix(a.columns, a.rows, (i, j) => entry(a, j, i));
export const scaled = (a: Matrix, factor: number): Matrix => ({ ...a, data: a.data.map((x) => x * factor) });
export const minus = (a: Matrix, b: Matrix): Matrix => ({ ...a, data: a.data.map((x, i) => x - (b.data[i] ?? 0)) });
export const largest = (a: Matrix): number => a.data.reduce((max, x) => (Math.abs(x) > max || Number.isNaN(x) ? Math.abs(x) : max), 0);

export function times(a: Matrix, b: Matrix): Matrix {
  return matrix(a.rows, b.columns, (i, j) => {
    let sum = 0;
    for (let k = 0; k < a.columns; k++) sum += entry(a, i, k) * entry(b, k, j);
    return sum;
  });
}

export const random = (rows: number, columns: number, seed: number): Matrix => ({
  rows,
  columns,
  data: Float64Array.from(values(rows * columns, seed)),
});

/** ‖QᵀQ − mask‖ over the columns of Q, of which those with `mask` 0 are to be 0. */
export const orthogonalityError = (Q: Matrix, mask: readonly number[] = Array(Q.columns).fill(1)): number =>
  largest(minus(times(transposed(Q), Q), diagonal(mask)));

/** A random orthogonal matrix. */
export async function rotationMatrix(n: number, seed: number): Promise<Matrix> {
  const program = trace({ X: [n, n] }, ({ X }) => ({ Q: X.orthonormalize('complete') }));
  const { Q } = await runProgram(reference(), program, { X: random(n, n, seed) });
  return { rows: n, columns: n, data: Q ?? new Float64Array(n * n) };
}

/** Symmetric, exactly, with the given eigenvalues. */
export async function withEigenvalues(eigenvalues: readonly number[], seed: number): Promise<Matrix> {
  const Q = await rotationMatrix(eigenvalues.length, seed);
  const A = times(times(Q, diagonal(eigenvalues)), transposed(Q));
  return matrix(A.rows, A.columns, (i, j) => (entry(A, i, j) + entry(A, j, i)) / 2);
}
