import { required } from '@opt/core';
import { linalg } from '@opt/linalg';
import { stream } from '../../examples/race/src/stream.ts';
import { normals } from './random/draws.ts';
import { syntheticSettings } from './synthetic-task.ts';
import type { LossAndGradients, Task } from './task.ts';

const n = 64;
const size = { m: n, n, k: n };
const { matmul, qr, solveTriangular } = linalg();

const transposed = (x: Float64Array): Float64Array => x.map((_, i) => x[(i % n) * n + Math.floor(i / n)] ?? 0);

/** P⁻¹ = R⁻¹Qᵀ, in float64; huge or not finite where P is singular. */
function inverse(P: Float64Array): Float64Array {
  const { q, r } = qr(P, n, n);
  return solveTriangular(transposed(r), transposed(q), n, n, { transpose: true });
}

/** MSE(P⁻¹, A) and its gradient −P⁻ᵀ G P⁻ᵀ, G = 2(P⁻¹ − A)/n². */
function lossAndGradient(P: Float64Array, A: Float32Array): LossAndGradients {
  const X = inverse(P);
  const difference = X.map((value, i) => value - (A[i] ?? 0));
  const G = difference.map((value) => (2 * value) / (n * n));
  const left = matmul(X, G, size, { transposeA: true, alpha: -1 });
  return {
    loss: difference.reduce((sum, value) => sum + value * value, 0) / (n * n),
    gradients: { p: Float32Array.from(matmul(left, X, size, { transposeB: true })) },
  };
}

/** MSE(P⁻¹, A) for A [64, 64] normal; P starts as A. By hand, since jax-js's inverse loses digits. */
export const inverseOfInverse: Task = {
  name: 'inverse-of-inverse',
  ...syntheticSettings,
  async start(seed) {
    const A = Float32Array.from(normals(stream(seed, 'data'), n * n));
    return {
      parameters: { p: { shape: [n, n], data: A } },
      data: { A },
      step: (parameters) => lossAndGradient(Float64Array.from(required(parameters, 'p', 'parameter')), A),
      batch: new Uint32Array(0),
      test: undefined,
      dispose() {},
    };
  },
};
