import type { Floats } from '@opt/core';
import { linalg } from '@opt/linalg';
import { normals } from './random/draws.ts';
import { byHand, type LossAndGradient, syntheticTask } from './synthetic-task.ts';
import type { Task } from './task.ts';

const n = 64;
const size = { m: n, n, k: n };
const { matmul } = linalg();

/** The sum of all means of absolute values, and AᵀG_AB + G_BA·Aᵀ, where a mean over m elements gives sign/m. */
function lossAndGradient(given: Floats, A: Float32Array): LossAndGradient {
  const B = Float32Array.from(given);
  const [AB, BA] = [matmul(A, B, size), matmul(B, A, size)];
  const [gradientAB, gradientBA] = [new Float32Array(n * n), new Float32Array(n * n)];
  let loss = 0;
  for (let i = 0; i < n * n; i++) {
    const [ab, ba, onDiagonal] = [AB[i] ?? 0, BA[i] ?? 0, i % (n + 1) === 0];
    const [commutator, left, right] = [ab - ba, ab - Number(onDiagonal), ba - Number(onDiagonal)];
    // An element of the diagonal is in the mean over n² elements and in that over n.
    const weight = 1 / (n * n) + (onDiagonal ? 1 / n : 0);
    loss += Math.abs(commutator) / (n * n) + weight * (Math.abs(left) + Math.abs(right));
    gradientAB[i] = Math.sign(commutator) / (n * n) + weight * Math.sign(left);
    gradientBA[i] = -Math.sign(commutator) / (n * n) + weight * Math.sign(right);
  }
  const add = matmul(A, gradientAB, size, { transposeA: true });
  return { loss, gradient: matmul(gradientBA, A, size, { transposeB: true, add }) };
}

/**
 * |AB − BA| + |AB − I| + |BA − I| + |diag AB − 1| + |diag BA − 1|, means of absolute values; A [64, 64] normal, B starts as A. By hand:
 * under jax-js the signs are chosen anew in every term of a product, which takes ten times as long.
 */
export const matrixInverseL1: Task = syntheticTask({
  name: 'matrix-inverse-l1',
  parameter: 'b',
  shape: [n, n],
  problem({ data }) {
    const A = Float32Array.from(normals(data, n * n));
    return { data: { A: { shape: [n, n], data: A } }, start: A };
  },
  method: byHand(lossAndGradient),
});
