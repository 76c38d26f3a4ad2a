import { numpy as np } from '@jax-js/jax';
import { normals } from './random/draws.ts';
import { syntheticTask } from './synthetic-task.ts';
import type { Task } from './task.ts';

const n = 64;

const meanAbsolute = (x: np.Array): np.Array => np.mean(np.abs(x));

/** |AB − BA| + |AB − I| + |BA − I| + |diag AB − 1| + |diag BA − 1|, means of absolute values; A [64, 64] normal, B starts as A. */
export const matrixInverseL1: Task = syntheticTask({
  name: 'matrix-inverse-l1',
  parameter: 'b',
  shape: [n, n],
  problem({ data }) {
    const A = Float32Array.from(normals(data, n * n));
    return { data: { A: { shape: [n, n], data: A } }, start: A };
  },
  loss(B, A) {
    const AB = np.matmul(A.ref, B.ref);
    const BA = np.matmul(B, A);
    return meanAbsolute(AB.ref.sub(BA.ref))
      .add(meanAbsolute(AB.ref.sub(np.eye(n))))
      .add(meanAbsolute(BA.ref.sub(np.eye(n))))
      .add(meanAbsolute(np.diagonal(AB).sub(1)))
      .add(meanAbsolute(np.diagonal(BA).sub(1)));
  },
});
