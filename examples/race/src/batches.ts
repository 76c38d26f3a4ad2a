import type { Draw } from './stream.ts';

/**
 * Endless mini-batches of sample indices. Each epoch starts from 0..N−1 and shuffles (for i = N−1 down to 1: j = ⌊u·(i+1)⌋, swap),
 * then hands out consecutive slices; the last, shorter slice is kept.
 *
 * Returns a function that gives the next batch: indices, at most `batchSize` of them.
 */
export const batches = (sampleCount: number, batchSize: number, draw: Draw): (() => Uint32Array) => {
  let order = new Uint32Array(0);
  let start = 0;
  return () => {
    if (start >= order.length) {
      order = shuffled(sampleCount, draw);
      start = 0;
    }
    const batch = order.subarray(start, start + batchSize);
    start += batchSize;
    return batch;
  };
};

const shuffled = (count: number, draw: Draw): Uint32Array<ArrayBuffer> => {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let i = count - 1; i >= 1; i--) {
    const j = Math.floor(draw() * (i + 1));
    const moved = order[i] ?? 0;
    order[i] = order[j] ?? 0;
    order[j] = moved;
  }
  return order;
};
