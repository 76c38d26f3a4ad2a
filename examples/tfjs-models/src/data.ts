import { type Tensor, type Tensor2D, tensor, tensor2d } from '@tensorflow/tfjs-core';

/** Numbers in [0, 1), the same for the same seed. */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Numbers of mean 0 and variance 1. */
export function normal(seed: number): () => number {
  const next = uniform(seed);
  return () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

export const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

/** Rows of zeros with a one at each index. */
export const oneHot = (indices: readonly number[], depth: number): Tensor2D =>
  tensor2d(indices.map((index) => times(depth, (i) => Number(i === index))));

/** Sequences of indices as [n, length, depth]. */
export const oneHots = (sequences: readonly (readonly number[])[], depth: number): Tensor =>
  tensor(
    sequences.map((sequence) => sequence.map((index) => times(depth, (i) => Number(i === index)))),
    undefined,
    'float32',
  );

/** Small pictures, [n, size, size, 1]: a bright square for each class at a place of its own, in noise. */
export function pictures(seed: number, classes: readonly number[], size: number): Tensor {
  const next = normal(seed);
  const side = Math.floor(size / 2);
  return tensor(
    classes.map((label) =>
      times(size, (y) =>
        times(size, (x) => {
          const [top, left] = [label % (size - side), Math.floor(label / 2) % (size - side)];
          const inside = y >= top && y < top + side && x >= left && x < left + side;
          return [Number(inside) + 0.2 * next()];
        }),
      ),
    ),
    undefined,
    'float32',
  );
}
