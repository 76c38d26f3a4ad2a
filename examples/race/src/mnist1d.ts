import { readFileSync } from 'node:fs';
import { classCount, inputWidth } from './model.ts';

/** Labelled signals. `inputs` is [count, 40], `targets` is [count, 10] one-hot, both row-major. */
export interface Samples {
  readonly count: number;
  readonly inputs: Float32Array<ArrayBuffer>;
  readonly targets: Float32Array<ArrayBuffer>;
}

export interface Mnist1d {
  readonly train: Samples;
  readonly test: Samples;
}

/** Reads MNIST-1D from `examples/race/data`: 4000 signals to train on, 1000 to test. Throws when a file is missing or cut short. */
export const mnist1d = (): Mnist1d => ({
  train: samples('train', 4000),
  test: samples('test', 1000),
});

/** The given rows of a set, in that order. */
export const pick = ({ inputs, targets }: Samples, indices: Uint32Array): Samples => ({
  count: indices.length,
  inputs: rows(inputs, inputWidth, indices),
  targets: rows(targets, classCount, indices),
});

const rows = (source: Float32Array, width: number, indices: Uint32Array): Float32Array<ArrayBuffer> => {
  const picked = new Float32Array(indices.length * width);
  indices.forEach((index, row) => {
    picked.set(source.subarray(index * width, (index + 1) * width), row * width);
  });
  return picked;
};

const samples = (part: 'train' | 'test', count: number): Samples => {
  const signal = bytes(`x_${part}.f32`, count * inputWidth * Float32Array.BYTES_PER_ELEMENT);
  const labels = bytes(`y_${part}.u8`, count);
  // The files are little-endian whatever the machine is.
  const inputs = Float32Array.from({ length: count * inputWidth }, (_, index) => signal.getFloat32(index * 4, true));
  const targets = new Float32Array(count * classCount);
  for (let row = 0; row < count; row++) targets[row * classCount + labels.getUint8(row)] = 1;
  return { count, inputs, targets };
};

const bytes = (file: string, length: number): DataView => {
  const content = readFileSync(new URL(`../data/${file}`, import.meta.url));
  if (content.byteLength !== length) throw new Error(`data/${file}: expected ${length} bytes, got ${content.byteLength}`);
  return new DataView(content.buffer, content.byteOffset, content.byteLength);
};
