/** Noise of full rank, never the same twice. */
export const gradientAt = (t: number, n = 18): number[] =>
  Array.from({ length: n }, (_, i) => Math.sin(t * 12.9898 + i * (i + 3) * 4.1414) * 1.5);
export const values = (x: ArrayLike<number> | undefined): number[] => Array.from(x ?? []);
export type Matrix = readonly (readonly number[])[];
export const rows = (x: readonly number[], n: number): Matrix =>
  Array.from({ length: x.length / n }, (_, i) => x.slice(i * n, (i + 1) * n));
export const T = (a: Matrix): Matrix => (a[0] ?? []).map((_, j) => a.map((row) => row[j] ?? 0));
export const product = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => T(b).map((column) => row.reduce((sum, x, k) => sum + x * (column[k] ?? 0), 0)));
export const zip = (a: Matrix, b: Matrix, f: (x: number, y: number) => number): Matrix =>
  a.map((row, i) => row.map((x, j) => f(x, b[i]?.[j] ?? 0)));
export const eye = (n: number): Matrix => Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => Number(i === j)));
export const zeros = (m: number, n: number): Matrix => Array.from({ length: m }, () => new Array<number>(n).fill(0));
export const permuted = (a: Matrix, order: readonly number[]): Matrix => order.map((i) => a[i] ?? []);
