import { type Linalg, linalg } from '@opt/linalg';

/** Without fused multiply-add, as everything here: the same bits on every machine. */
const own: Linalg = linalg({ fma: false });

export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** Row-major. */
  readonly data: Float64Array;
}

export const matrix = (data: ArrayLike<number>, rows: number, columns: number): Matrix => ({
  rows,
  columns,
  data: Float64Array.from(data),
});

/** op(A)·B. */
export function product(A: Matrix, B: Matrix, transposeA = false): Matrix {
  const [m, k] = transposeA ? [A.columns, A.rows] : [A.rows, A.columns];
  return { rows: m, columns: B.columns, data: own.matmul(A.data, B.data, { m, n: B.columns, k }, { transposeA }) };
}

/** XXᵀ. */
export const outerGram = ({ rows, columns, data }: Matrix): Matrix => ({
  rows,
  columns: rows,
  data: own.matmul(data, data, { m: rows, n: rows, k: columns }, { transposeB: true, symmetric: true }),
});

/** √λ of the smaller of XᵀX and XXᵀ, falling. */
export function singularValues(X: Matrix): Float64Array {
  const { rows: m, columns: n, data } = X;
  const small = Math.min(m, n);
  const size = { m: small, n: small, k: Math.max(m, n) };
  const gram = own.matmul(data, data, size, m < n ? { transposeB: true } : { transposeA: true });
  return own
    .eigh(gram, small)
    .values.map((value) => Math.sqrt(Math.max(0, value)))
    .reverse();
}

/** Eigenvalues falling, and eigenvectors in that order as rows. */
export function eigenvectors(A: Matrix): { readonly values: readonly number[]; readonly vectors: readonly Float64Array[] } {
  const n = A.rows;
  const { values, vectors } = own.eigh(A.data, n);
  const order = Array.from({ length: n }, (_, i) => n - 1 - i);
  return {
    values: order.map((j) => values[j] ?? Number.NaN),
    vectors: order.map((j) => Float64Array.from({ length: n }, (_, i) => vectors[i * n + j] ?? Number.NaN)),
  };
}
