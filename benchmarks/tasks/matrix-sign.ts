import { numpy as np } from '@jax-js/jax';
import { linalg } from '@opt/linalg';
import type { Draw } from '../../examples/race/src/stream.ts';
import { normals } from './random/draws.ts';
import { standardized } from './random/standardized.ts';
import { byJax, syntheticTask } from './synthetic-task.ts';
import type { Task } from './task.ts';

const n = 96;

const meanSquare = (x: np.Array): np.Array => np.mean(np.square(x));

/** Eight decaying outer products and some noise, Σ_{k<8} 0.62^k a_k b_kᵀ + 0.1·N, standardized; rounded once. */
function picture(draw: Draw): Float32Array {
  const M = new Float64Array(n * n);
  for (let k = 0; k < 8; k++) {
    const [a, b] = [normals(draw, n), normals(draw, n)];
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) M[i * n + j] = (M[i * n + j] ?? 0) + 0.62 ** k * ((a[i] ?? 0) * (b[j] ?? 0));
  }
  const noise = normals(draw, n * n);
  return Float32Array.from(standardized(M.map((value, i) => value + 0.1 * (noise[i] ?? 0))));
}

/** The largest singular value of M, √λ_max(MᵀM), to the nine digits that the recorded runs were started with. */
function spectralNorm(M: Float32Array): number {
  const { values } = linalg().eigh(linalg().gram(M, n, n), n);
  return Number(Math.sqrt(Math.max(...values)).toPrecision(9));
}

/** MSE(S, ½S(3I − S²)) + MSE(S, M) for a matrix M [96, 96] with a spectrum like a picture's; S starts as M/(1.1·‖M‖₂). */
export const matrixSign: Task = syntheticTask({
  name: 'matrix-sign',
  parameter: 's',
  shape: [n, n],
  problem({ data }) {
    const M = picture(data);
    const scale = 1.1 * spectralNorm(M);
    return { data: { M: { shape: [n, n], data: M } }, start: M.map((value) => value / scale) };
  },
  method: byJax((S, M) => {
    const inner = np.eye(n).mul(3).sub(np.matmul(S.ref, S.ref));
    const next = np.matmul(S.ref, inner).mul(0.5);
    return meanSquare(S.ref.sub(next)).add(meanSquare(S.sub(M)));
  }),
});
