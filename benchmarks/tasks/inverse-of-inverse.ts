import type { Floats } from '@opt/core';
import { linalg } from '@opt/linalg';
import { normals } from './random/draws.ts';
import { byHand, type LossAndGradient, syntheticTask } from './synthetic-task.ts';
import type { Task } from './task.ts';

const n = 64;
const size = { m: n, n, k: n };
const { matmul, qr, solveTriangular } = linalg();

const transposed = (x: Float64Array): Float64Array => x.map((_, i) => x[(i % n) * n + Math.floor(i / n)] ?? 0);

/** P⁻¹ = R⁻¹Qᵀ, in float64; huge or not finite where P is singular. */
function inverse(P: Float64Array): Float64Array {
  const { q, r } = qr(P, n, n);
  return solveTriangular(transposed(r), transposed(q), n, n, { transpose: true });
}

/** MSE(P⁻¹, A) and −P⁻ᵀ G P⁻ᵀ, G = 2(P⁻¹ − A)/n². */
function lossAndGradient(P: Floats, A: Float32Array): LossAndGradient {
  const X = inverse(Float64Array.from(P));
  const difference = X.map((value, i) => value - (A[i] ?? 0));
  const G = difference.map((value) => (2 * value) / (n * n));
  const left = matmul(X, G, size, { transposeA: true, alpha: -1 });
  return {
    loss: difference.reduce((sum, value) => sum + value * value, 0) / (n * n),
    gradient: Float32Array.from(matmul(left, X, size, { transposeB: true })),
  };
}

/** MSE(P⁻¹, A) for A [64, 64] normal; P starts as A. By hand, since jax-js's inverse loses digits. */
export const inverseOfInverse: Task = syntheticTask({
  name: 'inverse-of-inverse',
  parameter: 'p',
  shape: [n, n],
  problem({ data }) {
    const A = Float32Array.from(normals(data, n * n));
    return { data: { A: { shape: [n, n], data: A } }, start: A };
  },
  method: byHand(lossAndGradient),
});
