import { relativeError } from '@opt/backend-contract';
import { reference } from '@opt/backend-reference';
import { type Backend, type Floats, type Program, type Shape, size, type Tensor, trace } from '@opt/core';
import { expect } from 'vitest';
import { wasm } from '../index.ts';
import { noise } from './noise.ts';

export type Data = Readonly<Record<string, ArrayLike<number>>>;

/**
 * Runs a program `times` times on buffers that outputs share with the inputs they donate into, and gives what all of them hold in the
 * end.
 */
export function runOn<Buffer>(
  backend: Backend<'sync', 'sync', never, Buffer>,
  program: Program,
  data: Data,
  scalars: readonly number[] = [],
  times = 1,
): Record<string, Floats> {
  const buffers = new Map<string, Buffer>();
  for (const { key, shape, dtype } of program.inputs) {
    const buffer = backend.create('parameter', key, shape, dtype);
    backend.write(buffer, data[key] ?? noise(size(shape), key.length + key.charCodeAt(0)));
    buffers.set(key, buffer);
  }
  for (const { key, shape, dtype, donates } of program.outputs) {
    const donated = donates === undefined ? undefined : buffers.get(donates);
    if (!buffers.has(key)) buffers.set(key, donated ?? backend.create('output', key, shape, dtype));
  }
  const get = (key: string): Buffer => {
    const buffer = buffers.get(key);
    if (buffer === undefined) throw new Error(`no buffer '${key}'`);
    return buffer;
  };
  const executable = backend.compile(program, get);
  for (let i = 0; i < times; i++) executable.run(Float64Array.from(scalars));
  const results = Object.fromEntries([...buffers.keys()].map((key) => [key, backend.readBuffer(get(key)).slice()]));
  executable.dispose();
  for (const buffer of new Set(buffers.values())) backend.release(buffer);
  return results;
}

/** The program with outputs that take the memory of inputs. */
export const donating = (program: Program, donates: Readonly<Record<string, string>>): Program => ({
  ...program,
  outputs: program.outputs.map((output) => ({ ...output, donates: donates[output.key] })),
});

/** Holds a program against the reference in f32. */
export function expectSame(program: Program, data: Data = {}, tolerance = 2e-5, scalars: readonly number[] = [], times = 1): void {
  const actual = runOn(wasm(), program, data, scalars, times);
  const expected = runOn(reference({ precision: 'f32' }), program, data, scalars, times);
  for (const key of Object.keys(expected)) {
    const error = relativeError(actual[key] ?? [], Array.from(expected[key] ?? []));
    expect(error, `${key}: ${preview(actual[key])} instead of ${preview(expected[key])}`).toBeLessThanOrEqual(tolerance);
  }
}

/** The same for a function of named tensors. */
export function expectTrace<K extends string>(
  inputs: Readonly<Record<K, Shape>>,
  f: (tensors: Record<K, Tensor>) => Readonly<Record<string, Tensor>>,
  data: Data = {},
  tolerance?: number,
): void {
  expectSame(trace(inputs, f), data, tolerance);
}

const preview = (data: ArrayLike<number> | undefined): string =>
  `[${Array.from(data ?? [])
    .slice(0, 8)
    .join(', ')}]`;
