/** Small dense matrices in f64, row-major, to build problems from and to measure what came out. */
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
export const transposed = (a: Matrix): Matrix => matrix(a.columns, a.rows, (i, j) => entry(a, j, i));
export const scaled = (a: Matrix, factor: number): Matrix => ({ ...a, data: a.data.map((x) => x * factor) });
export const rounded = (a: Matrix): Matrix => ({ ...a, data: a.data.map(Math.fround) });
export const diagonal = (d: readonly number[]): Matrix => matrix(d.length, d.length, (i, j) => (i === j ? (d[i] ?? 0) : 0));

export function times(a: Matrix, b: Matrix): Matrix {
  const data = new Float64Array(a.rows * b.columns);
  for (let i = 0; i < a.rows; i++) {
    for (let k = 0; k < a.columns; k++) {
      const x = entry(a, i, k);
      if (x === 0) continue;
      for (let j = 0; j < b.columns; j++) data[i * b.columns + j] = (data[i * b.columns + j] ?? 0) + x * entry(b, k, j);
    }
  }
  return { rows: a.rows, columns: b.columns, data };
}

/** The largest magnitude; NaN if there is one. */
export const largest = (a: Matrix): number => a.data.reduce((max, x) => (Math.abs(x) > max || Number.isNaN(x) ? Math.abs(x) : max), 0);

export function difference(a: Matrix, b: Matrix): number {
  return largest({ ...a, data: a.data.map((x, i) => x - (b.data[i] ?? Number.NaN)) });
}

/** Largest entry of QᵀQ − diag(mask). */
export const orthogonalityError = (Q: Matrix, mask: readonly number[] = Array(Q.columns).fill(1)): number =>
  difference(times(transposed(Q), Q), diagonal(mask));

/** Reproducible numbers in (−1, 1). */
export function random(rows: number, columns: number, seed: number): Matrix {
  let state = (seed * 0x9e3779b9 + 0x6a09e667) >>> 0;
  return matrix(rows, columns, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * 2 - 1;
  });
}

/** The matrix with H = I − 2vvᵀ/vᵀv on both sides, twice: a dense symmetric matrix with the given eigenvalues. */
export function withEigenvalues(eigenvalues: readonly number[], seed: number): Matrix {
  const n = eigenvalues.length;
  return [seed, seed + 1].reduce((A, s) => {
    const { data: v } = random(n, 1, s);
    const square = v.reduce((sum, x) => sum + x * x, 0);
    const H = matrix(n, n, (i, j) => (i === j ? 1 : 0) - (2 * (v[i] ?? 0) * (v[j] ?? 0)) / square);
    const product = times(times(H, A), H);
    return matrix(n, n, (i, j) => (entry(product, i, j) + entry(product, j, i)) / 2);
  }, diagonal(eigenvalues));
}

/** The b-th matrix of a batch. */
export const part = (data: ArrayLike<number>, b: number, rows: number, columns: number, start = 0): Matrix =>
  matrix(rows, columns, (i, j) => data[start + (b * rows + i) * columns + j] ?? Number.NaN);

export const joined = (parts: readonly Matrix[]): number[] => parts.flatMap(({ data }) => Array.from(data));
