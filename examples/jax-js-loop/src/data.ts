import { readFileSync } from 'node:fs';
import { numpy as np } from '@jax-js/jax';

export const inputWidth = 40;
export const classCount = 10;
const count = 4000;

/** A mini-batch: signals [size, 40], classes one-hot [size, 10]. */
export interface Batch {
  readonly x: np.Array;
  readonly y: np.Array;
}

/** The training set of MNIST-1D: batch `step` of the given size, going round and round. */
export function mnist1d(): (step: number, size: number) => Batch {
  const signals = readFileSync(new URL('../../race/data/x_train.f32', import.meta.url));
  const classes = readFileSync(new URL('../../race/data/y_train.u8', import.meta.url));
  return (step, size) => {
    const x = new Float32Array(size * inputWidth);
    const y = new Float32Array(size * classCount);
    for (let row = 0; row < size; row++) {
      const sample = (step * size + row) % count;
      for (let i = 0; i < inputWidth; i++) x[row * inputWidth + i] = signals.readFloatLE(4 * (sample * inputWidth + i));
      y[row * classCount + classes.readUInt8(sample)] = 1;
    }
    return { x: np.array(x, { shape: [size, inputWidth] }), y: np.array(y, { shape: [size, classCount] }) };
  };
}
