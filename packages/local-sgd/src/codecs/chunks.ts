import type { Floats, Shape } from '@opt/core';
import { floats, precisionOf } from './codec.ts';

/** How a tensor is cut: a grid of equal tiles, row-major over the grid, elements row-major in the tile. */
export interface Chunks {
  readonly count: number;
  /** Elements of a tile. */
  readonly length: number;
  /** Height and width of a tile; of a vector's, height 1. */
  readonly tile: readonly [number, number];
  /** Where element `position` of chunk `chunk` is in the tensor. */
  at(chunk: number, position: number): number;
}

/** The largest divisor of d up to `most`. */
export function chunkLength(d: number, most: number): number {
  for (let c = Math.min(d, most); c > 1; c--) if (d % c === 0) return c;
  return 1;
}

/** A scalar is a vector of one; more than two axes are folded to [first, rest]. */
export function chunksOf(shape: Shape, side: number, vectorSide: number): Chunks {
  const [d = 1, ...rest] = shape;
  if (shape.length < 2) {
    const length = chunkLength(d, vectorSide);
    return { count: d / length, length, tile: [1, length], at: (chunk, position) => chunk * length + position };
  }
  const columns = rest.reduce((a, b) => a * b, 1);
  const [h, w] = [chunkLength(d, side), chunkLength(columns, side)];
  const across = columns / w;
  return {
    count: (d / h) * across,
    length: h * w,
    tile: [h, w],
    at(chunk, position) {
      const row = Math.floor(chunk / across) * h + Math.floor(position / w);
      return row * columns + (chunk % across) * w + (position % w);
    },
  };
}

/** Every chunk turned by the orthonormal DCT-II along its axes, or back. */
export function cosines(x: Floats, chunks: Chunks, inverse: boolean): Floats {
  const [h, w] = chunks.tile;
  const [down, across] = [matrixOf(h), matrixOf(w)];
  const result = floats(precisionOf(x), x.length);
  const [tile, between] = [new Float64Array(h * w), new Float64Array(h * w)];
  for (let chunk = 0; chunk < chunks.count; chunk++) {
    for (let i = 0; i < tile.length; i++) tile[i] = x[chunks.at(chunk, i)] ?? 0;
    for (let i = 0; i < h; i++)
      for (let k = 0; k < w; k++) {
        let total = 0;
        for (let j = 0; j < w; j++) total += (tile[i * w + j] ?? 0) * ((inverse ? across[j * w + k] : across[k * w + j]) ?? 0);
        between[i * w + k] = total;
      }
    for (let k = 0; k < h; k++)
      for (let j = 0; j < w; j++) {
        let total = 0;
        for (let i = 0; i < h; i++) total += (between[i * w + j] ?? 0) * ((inverse ? down[i * h + k] : down[k * h + i]) ?? 0);
        result[chunks.at(chunk, k * w + j)] = total;
      }
  }
  return result;
}

const matrices = new Map<number, Float64Array>();

/** C[k, n] = √((k > 0 ? 2 : 1)/N)·cos(π(2n+1)k/2N). */
function matrixOf(n: number): Float64Array {
  const known = matrices.get(n);
  if (known !== undefined) return known;
  const matrix = Float64Array.from({ length: n * n }, (_, i) => {
    const [k, at] = [Math.floor(i / n), i % n];
    return Math.sqrt((k > 0 ? 2 : 1) / n) * Math.cos((Math.PI * (2 * at + 1) * k) / (2 * n));
  });
  matrices.set(n, matrix);
  return matrix;
}
