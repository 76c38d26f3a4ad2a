import { LinalgError } from './error.ts';
import type { Eigen, Linalg, Orthonormal, OrthonormalizeOptions } from './linalg.ts';

/** What is to be done to every matrix of a batch; plain data, so that it may travel to a worker. */
export type Factorization =
  | { readonly op: 'eigh' | 'cholesky' }
  | { readonly op: 'orthonormalize'; readonly deficient: 'zero' | 'complete'; readonly tolerance: number }
  | { readonly op: 'solveTriangular'; readonly transpose: boolean };

const names: ReadonlySet<string> = new Set<Factorization['op']>(['eigh', 'cholesky', 'orthonormalize', 'solveTriangular']);

/** Whether an operation is one of these. */
export const isFactorization = <T extends { readonly op: string }>(operation: T): operation is T & Factorization => names.has(operation.op);

/** What both array types have. */
interface Matrices<T> {
  readonly length: number;
  subarray(begin: number, end: number): T;
  set(source: T, at: number): void;
}

/** The functions of `Linalg` in one precision. */
interface Functions<T> {
  eigh(a: T, n: number): Eigen<T>;
  orthonormalize(x: T, m: number, n: number, options: OrthonormalizeOptions): Orthonormal<T>;
  cholesky(a: T, n: number): T;
  solveTriangular(l: T, b: T, n: number, r: number, options: { transpose: boolean }): T;
}

/**
 * A factorisation of a matrix, or of every matrix of a batch, one after another in each operand. `shape` is that of the last operand,
 * [...batch, rows, columns].
 *
 * - `eigh` (A [n,n]): all values [...batch, n], all vectors [...batch, n, n]
 * - `orthonormalize` (X [m,n]): Q [...batch, m, n]
 * - `cholesky` (A [n,n]): L [...batch, n, n]
 * - `solveTriangular` (L [n,n], B [n,r]): op(L)⁻¹·B [...batch, n, r]
 *
 * @throws LinalgError on operands that are not as long as `shape` says
 */
export function factorize(
  la: Linalg,
  factorization: Factorization,
  operands: readonly Float32Array[],
  shape: readonly number[],
): Float32Array[];
export function factorize(
  la: Linalg,
  factorization: Factorization,
  operands: readonly Float64Array[],
  shape: readonly number[],
): Float64Array[];
export function factorize(
  la: Linalg,
  factorization: Factorization,
  operands: readonly Float32Array[] | readonly Float64Array[],
  shape: readonly number[],
): Float32Array[] | Float64Array[] {
  return areSingle(operands)
    ? ofAll<Float32Array>(la, (length) => new Float32Array(length), factorization, operands, shape)
    : ofAll<Float64Array>(la, (length) => new Float64Array(length), factorization, operands, shape);
}

const areSingle = (operands: readonly Float32Array[] | readonly Float64Array[]): operands is readonly Float32Array[] =>
  operands[0] instanceof Float32Array;

function ofAll<T extends Matrices<T>>(
  la: Functions<T>,
  empty: (length: number) => T,
  factorization: Factorization,
  operands: readonly T[],
  shape: readonly number[],
): T[] {
  const [rows = 1, columns = 1] = shape.slice(-2);
  const batch = shape.slice(0, -2).reduce((a, b) => a * b, 1);
  /** Matrix i of an operand whose matrices have so many rows and columns. */
  const matrices = (at: number, columns: number): ((i: number) => T) => {
    const all = operands[at];
    const length = rows * columns;
    if (all?.length !== batch * length)
      throw new LinalgError(
        'bad-length',
        `operand ${at}`,
        `operand ${at} of ${factorization.op}: ${all?.length ?? 0} elements where ${batch * length} are needed`,
      );
    return (i) => all.subarray(i * length, (i + 1) * length);
  };
  /** One result of every matrix, in one array. */
  const joined = (length: number, result: (i: number) => T): T => {
    const all = empty(batch * length);
    for (let i = 0; i < batch; i++) all.set(result(i), i * length);
    return all;
  };
  switch (factorization.op) {
    case 'eigh': {
      const a = matrices(0, rows);
      const vectors = empty(batch * rows * rows);
      const values = joined(rows, (i) => {
        const pair = la.eigh(a(i), rows);
        vectors.set(pair.vectors, i * rows * rows);
        return pair.values;
      });
      return [values, vectors];
    }
    case 'orthonormalize': {
      const x = matrices(0, columns);
      const { deficient, tolerance } = factorization;
      return [joined(rows * columns, (i) => la.orthonormalize(x(i), rows, columns, { deficient, tolerance }).q)];
    }
    case 'cholesky': {
      const a = matrices(0, rows);
      return [joined(rows * rows, (i) => la.cholesky(a(i), rows))];
    }
    case 'solveTriangular': {
      const [l, b] = [matrices(0, rows), matrices(1, columns)];
      const { transpose } = factorization;
      return [joined(rows * columns, (i) => la.solveTriangular(l(i), b(i), rows, columns, { transpose }))];
    }
  }
}
