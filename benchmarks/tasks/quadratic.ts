import { numpy as np } from '@jax-js/jax';
import { normals } from './random/draws.ts';
import { byJax, syntheticTask } from './synthetic-task.ts';
import type { Task } from './task.ts';

const n = 512;

/** 0.01·(‖(x+C)Wᵀ‖² + ‖x+C‖²) for W [512, 512], C [512] and x [1, 512] normal. Curvature spans 1 : 2050. */
export const quadratic: Task = syntheticTask({
  name: 'quadratic',
  parameter: 'x',
  shape: [1, n],
  problem: ({ data, weights }) => ({
    data: {
      W: { shape: [n, n], data: Float32Array.from(normals(data, n * n)) },
      C: { shape: [n], data: Float32Array.from(normals(data, n)) },
    },
    start: Float32Array.from(normals(weights, n)),
  }),
  method: byJax((x, W, C) => {
    const y = x.add(C);
    const stretched = np.matmul(y.ref, np.matrixTranspose(W));
    return np
      .sum(np.square(stretched))
      .add(np.sum(np.square(y)))
      .mul(0.01);
  }),
});
