import { setFlagsFromString } from 'node:v8';
import { type Linalg, linalg } from '../index.ts';

export type Real = Float32Array | Float64Array;

// Node 20 knows relaxed SIMD but does not offer it unasked; set before anything is compiled.
setFlagsFromString('--experimental-wasm-relaxed-simd');

/** Without and with fused multiply-add. */
export const variants: readonly [string, Linalg][] = [
  ['plain', linalg({ fma: false })],
  ['fused', linalg({ fma: true })],
];

export const precisions = [
  { name: 'float32', epsilon: 2 ** -24, make: (values: ArrayLike<number>): Real => Float32Array.from(values) },
  { name: 'float64', epsilon: 2 ** -53, make: (values: ArrayLike<number>): Real => Float64Array.from(values) },
] as const;

/** Standard normal numbers, the same for the same seed (mulberry32, Box–Muller). */
export const normals = (seed: number, length: number): Float64Array => {
  let state = seed | 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return Float64Array.from({ length }, () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()));
};

export const at = (values: ArrayLike<number>, index: number): number => {
  const value = values[index];
  if (value === undefined) throw new RangeError(`no element ${index}`);
  return value;
};

export const transposed = (rows: number, columns: number, a: ArrayLike<number>): Float64Array =>
  Float64Array.from({ length: rows * columns }, (_, i) => at(a, (i % rows) * columns + Math.floor(i / rows)));

/** [m,k] × [k,n]. */
export const product = (m: number, n: number, k: number, a: ArrayLike<number>, b: ArrayLike<number>): Float64Array => {
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      const x = at(a, i * k + p);
      for (let j = 0; j < n; j++) c[i * n + j] = at(c, i * n + j) + x * at(b, p * n + j);
    }
  }
  return c;
};

export const identity = (n: number): Float64Array => Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));

export const largest = (values: ArrayLike<number>): number => Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);

/** max |a − b|; NaN if either has one. */
export const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  if (a.length !== b.length) throw new RangeError(`${a.length} elements against ${b.length}`);
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const d = Math.abs(at(a, i) - at(b, i));
    if (!(d <= most)) most = d;
  }
  return most;
};

/** max |QᵀQ − I| of [m,n]. */
export const orthogonality = (m: number, n: number, q: ArrayLike<number>): number =>
  distance(product(n, n, m, transposed(m, n, q), q), identity(n));

/** A symmetric matrix B·Bᵀ/k from an [n,k] factor, rows scaled. */
export const gramMatrix = (n: number, k: number, seed: number, scale: (row: number) => number = () => 1): Float64Array => {
  const factor = normals(seed, n * k).map((x, i) => x * scale(Math.floor(i / k)));
  return product(n, n, k, factor, transposed(n, k, factor)).map((x) => x / k);
};

/**
 * The orthonormalisation rule, column by column; deferred slots are 0, or refilled if `complete`. `clearance`: the smallest accepted
 * remainder relative to the largest column norm, by which rounding errors are magnified.
 */
export const orthonormalizeByRule = (m: number, n: number, x: ArrayLike<number>, complete: boolean, tolerance: number) => {
  const norm = (v: Float64Array): number => Math.sqrt(v.reduce((sum, e) => sum + e * e, 0));
  const columns = Array.from({ length: n }, (_, j) => Float64Array.from({ length: m }, (_, i) => at(x, i * n + j)));
  const threshold = tolerance * Math.max(0, ...columns.map(norm));
  const accepted: Float64Array[] = [];
  let clearance = 1;
  const subtractAccepted = (v: Float64Array): Float64Array =>
    accepted.reduce((rest, q) => {
      const c = q.reduce((sum, e, i) => sum + e * at(rest, i), 0);
      return rest.map((e, i) => e - c * at(q, i));
    }, v);
  const normalised = (v: Float64Array): Float64Array => v.map((e) => e / norm(v));
  const accept = (v: Float64Array): Float64Array => {
    accepted.push(v);
    return v;
  };
  const slots = columns.map((column) => {
    const rest = subtractAccepted(subtractAccepted(column));
    if (accepted.length === m || norm(rest) <= threshold) return null;
    clearance = Math.min(clearance, (norm(rest) * tolerance) / threshold);
    return accept(normalised(subtractAccepted(normalised(rest))));
  });
  const deferred = slots.filter((slot) => slot === null).length;
  for (const [j, slot] of slots.entries()) {
    if (!complete || slot !== null || accepted.length === m) continue;
    const room = Array.from({ length: m }, (_, i) => 1 - accepted.reduce((sum, q) => sum + at(q, i) ** 2, 0));
    const chosen = room.findIndex((r) => r >= (1 - 1e-4) * Math.max(...room));
    const e = Float64Array.from({ length: m }, (_, i) => (i === chosen ? 1 : 0));
    slots[j] = accept(normalised(subtractAccepted(subtractAccepted(e))));
  }
  const q = Float64Array.from({ length: m * n }, (_, i) => slots[i % n]?.[Math.floor(i / n)] ?? 0);
  return { q, deferred, clearance };
};
