import { classCount, inputWidth } from '../../../examples/race/src/model.ts';
import type { Samples } from './classifier.ts';

export interface Mnist1d {
  readonly train: Samples;
  readonly test: Samples;
}

/** The files of `examples/race/data`. */
export const dataFiles = ['x_train.f32', 'y_train.u8', 'x_test.f32', 'y_test.u8'] as const;
export type DataFile = (typeof dataFiles)[number];

/** MNIST-1D of the bytes of its files, which are little-endian whatever the machine is. */
export function mnist1d(bytes: Readonly<Record<DataFile, ArrayBuffer>>): Mnist1d {
  const samples = (x: ArrayBuffer, y: ArrayBuffer): Samples => {
    const [signals, labels] = [new DataView(x), new Uint8Array(y)];
    const count = labels.length;
    if (x.byteLength !== 4 * count * inputWidth) throw new Error(`MNIST-1D: ${x.byteLength} bytes for ${count} signals`);
    const targets = new Float32Array(count * classCount);
    labels.forEach((label, row) => {
      targets[row * classCount + label] = 1;
    });
    return { count, inputs: Float32Array.from({ length: count * inputWidth }, (_, i) => signals.getFloat32(4 * i, true)), targets };
  };
  return { train: samples(bytes['x_train.f32'], bytes['y_train.u8']), test: samples(bytes['x_test.f32'], bytes['y_test.u8']) };
}

/** The given rows, in that order. */
export const pick = ({ inputs, targets }: Samples, indices: Uint32Array): Samples => {
  const rows = (source: Float32Array, width: number): Float32Array => {
    const picked = new Float32Array(indices.length * width);
    indices.forEach((index, row) => {
      picked.set(source.subarray(index * width, (index + 1) * width), row * width);
    });
    return picked;
  };
  return { count: indices.length, inputs: rows(inputs, inputWidth), targets: rows(targets, classCount) };
};
