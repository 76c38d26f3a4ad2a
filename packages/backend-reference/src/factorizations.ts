import type { Floats } from '@opt/core';

/** Factorisations in f64, the plainest stable method of each kind. */

/**
 * Eigenvalues (ascending) and eigenvectors (columns) of the symmetric part, by cyclic Jacobi rotations: each annihilates one
 * pair of entries, until what is off the diagonal is 10⁻¹⁷ of the matrix.
 */
export function eigh(a: Floats, n: number): { values: Float64Array; vectors: Float64Array } {
  if (!a.every(Number.isFinite)) return { values: new Float64Array(n).fill(Number.NaN), vectors: new Float64Array(n * n).fill(Number.NaN) };
  const scale = Float64Array.from(a).reduce((max, x) => Math.max(max, Math.abs(x)), 0);
  const unit = scale === 0 ? 1 : scale;
  const s = Float64Array.from({ length: n * n }, (_, i) => ((a[i] ?? 0) + (a[(i % n) * n + Math.floor(i / n)] ?? 0)) / 2 / unit);
  const v = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
  for (let sweep = 0; sweep < 60 && offDiagonal(s, n) > 1e-17 * n; sweep++) {
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(s, v, n, p, q);
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => (s[i * (n + 1)] ?? 0) - (s[j * (n + 1)] ?? 0));
  return {
    values: Float64Array.from(order, (i) => (s[i * (n + 1)] ?? 0) * unit),
    vectors: Float64Array.from({ length: n * n }, (_, i) => v[Math.floor(i / n) * n + (order[i % n] ?? 0)] ?? 0),
  };
}

/** Measured directly: as a difference of two sums of squares it would cancel at 10⁻⁸. */
function offDiagonal(s: Float64Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < s.length; i++) if (i % (n + 1) !== 0) sum += (s[i] ?? 0) ** 2;
  return Math.sqrt(sum);
}

function rotate(s: Float64Array, v: Float64Array, n: number, p: number, q: number): void {
  const off = s[p * n + q] ?? 0;
  if (off === 0) return;
  const theta = ((s[q * n + q] ?? 0) - (s[p * n + p] ?? 0)) / (2 * off);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  const apply = (m: Float64Array, first: number, second: number, step: number): void => {
    for (let k = 0; k < n; k++) {
      const [x = 0, y = 0] = [m[first + k * step], m[second + k * step]];
      m[first + k * step] = c * (x - t * y);
      m[second + k * step] = c * (t * x + y);
    }
  };
  apply(s, p * n, q * n, 1);
  apply(s, p, q, n);
  s[p * n + q] = 0;
  s[q * n + p] = 0;
  apply(v, p, q, n);
}

/** The completion rule, column by column; see `Tensor.orthonormalize`. */
export function orthonormalize(x: Floats, m: number, n: number, deficient: 'zero' | 'complete', tolerance: number): Float64Array {
  const out = new Float64Array(m * n);
  if (!x.every(Number.isFinite)) return out.fill(Number.NaN);
  const columns = Array.from({ length: n }, (_, j) => Float64Array.from({ length: m }, (_, i) => x[i * n + j] ?? 0));
  const floor = tolerance * columns.reduce((max, column) => Math.max(max, length(column)), 0);
  const accepted: Float64Array[] = [];
  const accept = (column: Float64Array, j: number): void => {
    scale(column, 1 / length(column));
    clean(column, accepted, 1);
    scale(column, 1 / length(column));
    accepted.push(column);
    column.forEach((value, i) => {
      out[i * n + j] = value;
    });
  };
  const deferred: number[] = [];
  columns.forEach((column, j) => {
    clean(column, accepted, 2);
    if (length(column) <= floor) deferred.push(j);
    else accept(column, j);
  });
  if (deficient === 'complete') {
    for (const j of deferred) {
      const room = Array.from({ length: m }, (_, i) => accepted.reduce((r, column) => r - (column[i] ?? 0) ** 2, 1));
      const most = Math.max(...room);
      const free = new Float64Array(m);
      free[room.findIndex((r) => r >= (1 - 1e-4) * most)] = 1;
      clean(free, accepted, 2);
      accept(free, j);
    }
  }
  return out;
}

/** ‖v‖, scaled so that squares neither overflow nor vanish. */
function length(v: Float64Array): number {
  const largest = v.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
  return largest === 0 ? 0 : largest * Math.sqrt(v.reduce((sum, x) => sum + (x / largest) ** 2, 0));
}

function scale(v: Float64Array, factor: number): void {
  for (let i = 0; i < v.length; i++) v[i] = (v[i] ?? 0) * factor;
}

function clean(v: Float64Array, against: readonly Float64Array[], times: number): void {
  for (let pass = 0; pass < times; pass++) {
    for (const q of against) {
      const dot = q.reduce((sum, x, i) => sum + x * (v[i] ?? 0), 0);
      for (let i = 0; i < v.length; i++) v[i] = (v[i] ?? 0) - dot * (q[i] ?? 0);
    }
  }
}

/** Lower L with LLᵀ = A; all NaN unless A is positive definite. */
export function cholesky(a: Floats, n: number): Float64Array {
  const l = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = a[i * n + j] ?? 0;
      for (let k = 0; k < j; k++) sum -= (l[i * n + k] ?? 0) * (l[j * n + k] ?? 0);
      if (i === j && !(sum > 0)) return l.fill(Number.NaN);
      l[i * n + j] = i === j ? Math.sqrt(sum) : sum / (l[j * n + j] ?? 1);
    }
  }
  return l;
}

/** L⁻¹B, or L⁻ᵀB, for lower triangular L. */
export function solveTriangular(l: Floats, b: Floats, n: number, columns: number, transpose: boolean): Float64Array {
  const x = Float64Array.from(b);
  const entry = (i: number, k: number): number => (transpose ? l[k * n + i] : l[i * n + k]) ?? 0;
  for (let step = 0; step < n; step++) {
    const i = transpose ? n - 1 - step : step;
    for (let j = 0; j < columns; j++) {
      let sum = x[i * columns + j] ?? 0;
      for (let done = 0; done < step; done++) {
        const k = transpose ? n - 1 - done : done;
        sum -= entry(i, k) * (x[k * columns + j] ?? 0);
      }
      x[i * columns + j] = sum / entry(i, i);
    }
  }
  return x;
}
