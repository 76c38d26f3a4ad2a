import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type Tensor2D, type Tensor4D, tensor2d, tensor4d } from '@tensorflow/tfjs-core';

export interface Digits {
  /** [images, 28, 28, 1], from 0 to 1. */
  readonly images: Tensor4D;
  /** [images, 10], one-hot. */
  readonly labels: Tensor2D;
}

const bytes = (file: string, header: number): Uint8Array =>
  gunzipSync(readFileSync(new URL(`../data/${file}.gz`, import.meta.url))).subarray(header);

/** The first `count` digits of the slice, all unless given. */
export function mnist(set: 'train' | 't10k', count = Number.POSITIVE_INFINITY): Digits {
  const classes = bytes(`${set}-labels-idx1-ubyte`, 8);
  const n = Math.min(count, classes.length);
  const pixels = bytes(`${set}-images-idx3-ubyte`, 16).subarray(0, n * 784);
  const labels = new Float32Array(n * 10);
  classes.subarray(0, n).forEach((digit, i) => {
    labels[i * 10 + digit] = 1;
  });
  return {
    images: tensor4d(
      Float32Array.from(pixels, (x) => x / 255),
      [n, 28, 28, 1],
    ),
    labels: tensor2d(labels, [n, 10]),
  };
}
