import type { Floats } from '@opt/core';

/** Q of A = QR by Householder reflections, the one whose R has no negative entry on its diagonal. In place, row-major, n × n. */
export function householderQ(a: Floats, n: number): void {
  const r = Float64Array.from(a);
  const reflectors: { readonly v: Float64Array; readonly beta: number }[] = [];
  for (let k = 0; k < n; k++) {
    const v = new Float64Array(n);
    for (let i = k; i < n; i++) v[i] = r[i * n + k] ?? 0;
    const alpha = v[k] ?? 0;
    // What is left of the last column is a scalar.
    const length = k === n - 1 ? 0 : Math.hypot(...v.subarray(k));
    v[k] = alpha + (alpha < 0 ? -length : length);
    const square = v.reduce((sum, x) => sum + x * x, 0);
    const beta = length === 0 || square === 0 ? 0 : 2 / square;
    reflect(r, v, beta, n, k);
    reflectors.push({ v, beta });
  }
  const q = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
  for (let k = n - 1; k >= 0; k--) {
    const reflector = reflectors[k];
    if (reflector !== undefined) reflect(q, reflector.v, reflector.beta, n, k);
  }
  a.set(q.map((x, i) => ((r[(i % n) * (n + 1)] ?? 0) < 0 ? -x : x)));
}

/** X ← (I − βvvᵀ)X; v is 0 above row k. */
function reflect(x: Float64Array, v: Float64Array, beta: number, n: number, k: number): void {
  if (beta === 0) return;
  const product = new Float64Array(n);
  for (let i = k; i < n; i++) for (let j = 0; j < n; j++) product[j] = (product[j] ?? 0) + (v[i] ?? 0) * (x[i * n + j] ?? 0);
  for (let i = k; i < n; i++) for (let j = 0; j < n; j++) x[i * n + j] = (x[i * n + j] ?? 0) - beta * (v[i] ?? 0) * (product[j] ?? 0);
}
