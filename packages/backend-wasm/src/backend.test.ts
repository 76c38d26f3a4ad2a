import { BackendError, createOptimizer, norm, OptionRangeError, OptionTypeError, repeat, trace } from '@opt/core';
import { soap } from '@opt/soap';
import { adamw } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { wasm } from './index.ts';
import { expectSame, expectTrace, runOn } from './testing/compare.ts';
import { noise } from './testing/noise.ts';

describe('memory', () => {
  it('gives live views, and takes a gradient written into its view without a copy', () => {
    const optimizer = createOptimizer({ transform: adamw(), parameters: { w: { shape: [100], data: noise(100) } }, backend: wasm() });
    const { w } = optimizer.parameters;
    const g = optimizer.gradients.w;
    expect(optimizer.parameters.w).toBe(w);
    g.fill(0.5);
    const before = w.slice();
    optimizer.step({ w: g });
    expect(optimizer.parameters.w).toBe(w);
    expect(w.every((x, i) => x < (before[i] ?? 0))).toBe(true);
    // Another view of the same place is no copy either; a shifted one is.
    optimizer.step({ w: new Float32Array(g.buffer, g.byteOffset, 100) });
    expect(g.every((x) => x === 0.5)).toBe(true);
    const shifted = new Float32Array(g.buffer, g.byteOffset - 400, 100).slice();
    optimizer.step({ w: shifted });
    expect(optimizer.gradients.w).toEqual(shifted);
  });

  it('makes views anew when the memory has grown', () => {
    const backend = wasm();
    const small = backend.create('parameter', 'small', [3], 'working');
    backend.write(small, [1, 2, 3]);
    const old = backend.readBuffer(small);
    backend.create('parameter', 'large', [10_000_000], 'working');
    expect(old.length).toBe(0);
    expect(Array.from(backend.readBuffer(small))).toEqual([1, 2, 3]);
    expect(backend.readBuffer(small)).toBe(backend.readBuffer(small));
  });

  it('takes f64 and plain arrays, and holds wide and int in f64', () => {
    const backend = wasm();
    const working = backend.create('slot', 'a', [2], 'working');
    const wide = backend.create('slot', 'b', [2], 'wide');
    const int = backend.create('slot', 'c', [2], 'int');
    for (const buffer of [working, wide, int]) backend.write(buffer, Float64Array.of(0.1, 3));
    expect(Array.from(backend.readBuffer(working))).toEqual([Math.fround(0.1), 3]);
    expect(Array.from(backend.readBuffer(wide))).toEqual([0.1, 3]);
    expect(backend.readBuffer(int)).toBeInstanceOf(Float64Array);
  });

  it('uses freed memory again', () => {
    const backend = wasm();
    const round = (): number => {
      const buffers = [70, 5, 30_000_000, 1, 4096].map((n) => backend.create('slot', 's', [n], 'working'));
      for (const i of [2, 0, 4, 1, 3]) {
        const buffer = buffers[i];
        if (buffer !== undefined) backend.release(buffer);
      }
      return backend.memoryBytes;
    };
    const first = round();
    for (let i = 0; i < 100; i++) expect(round()).toBe(first);
    expect(backend.buffers).toBe(0);
  });

  it('a thousand steps, and optimizers made and disposed, take no more memory', () => {
    const backend = wasm();
    const train = (steps: number): void => {
      const optimizer = createOptimizer({ transform: soap(), parameters: { w: { shape: [20, 30], data: noise(600) } }, backend });
      for (let i = 0; i < steps; i++) optimizer.step({ w: noise(600, i + 2) });
      optimizer.dispose();
    };
    train(15);
    const { memoryBytes } = backend;
    train(1000);
    for (let i = 0; i < 20; i++) train(12);
    expect(backend.memoryBytes).toBe(memoryBytes);
    expect(backend.buffers).toBe(0);
  });

  it('says how many bytes could not be had', () => {
    const backend = wasm({ maxMemory: 4 * 1024 * 1024 });
    const held = backend.create('parameter', 'w', [100_000], 'working');
    expect(() => backend.create('slot', 'm', [2_000_000], 'working')).toThrow(BackendError);
    expect(() => backend.create('slot', 'm', [2_000_000], 'working')).toThrow(
      /'m' \[2000000\] needs 8000000 bytes more, which cannot be had: \d+ of at most 4194304/,
    );
    // What is there goes on working.
    backend.write(held, new Float32Array(100_000).fill(1));
    expect(backend.readBuffer(held)[99_999]).toBe(1);
  });

  it('scratch that does not fit leaves the backend as it was', () => {
    const backend = wasm({ maxMemory: 8 * 1024 * 1024 });
    const fine = trace({ x: [64, 64] }, ({ x }) => ({ y: x.matmul(x).matmul(x) }));
    const expected = runOn(backend, fine, {});
    const large = trace({ x: [1200, 1], z: [1, 1200] }, ({ x, z }) => ({
      y: x
        .matmul(z)
        .matmul(z.matmul(x).add(x.matmul(z)), {})
        .sum(),
    }));
    expect(() => runOn(backend, large, {})).toThrow(/scratch of program '.*' needs \d+ bytes more, which cannot be had/);
    const taken = backend.memoryBytes;
    for (let i = 0; i < 50; i++)
      expect(() => backend.compile(large, () => backend.create('output', 'x', [0], 'working'))).toThrow(BackendError);
    expect(backend.memoryBytes).toBe(taken);
    expect(runOn(backend, fine, {})).toEqual(expected);
  });

  it.each([0, Number.NaN, 2 ** 33, -1])('refuses maxMemory %d', (maxMemory) => {
    expect(() => wasm({ maxMemory })).toThrow(OptionRangeError);
    expect(() => wasm({ maxMemory })).toThrow(/wasm: maxMemory must be in \[1048576, 4294967296\]/);
  });

  it.each<[unknown, string]>([
    [{ maxMemory: '1e7' }, "wasm: maxMemory must be in [1048576, 4294967296], received '1e7'"],
    [{ foo: 1 }, "wasm: unknown option 'foo', known are "],
    [{ maxmemory: 1e7 }, "did you mean 'maxMemory'?"],
    [{ toString: 1 }, "wasm: unknown option 'toString'"],
    [1e7, 'wasm: options must be an object, received 10000000'],
    [null, 'wasm: options must be an object, received null'],
  ])('refuses the options %j', (options, message) => {
    const make = (): unknown => Reflect.apply(wasm, undefined, [options]);
    expect(make).toThrow(OptionTypeError);
    expect(make).toThrow(message);
  });

  it('refuses a buffer that is not its own', () => {
    expect(() => wasm().readBuffer({ address: 64, length: 1, type: 'f32' })).toThrow(BackendError);
  });
});

describe('bad numbers', () => {
  it('factorisations of NaN end, with NaN', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const x = noise(81);
      x[40] = bad;
      const program = trace({ x: [9, 9] }, ({ x }) => {
        const { values, vectors } = x.eigh();
        return { values, vectors, wide: x.wide().eigh().values, q: x.orthonormalize('complete'), l: x.cholesky() };
      });
      for (const [key, data] of Object.entries(runOn(wasm(), program, { x })))
        if (key !== 'x') expect(data.every(Number.isNaN), key).toBe(true);
    }
  });

  it('a loop whose condition is NaN ends at its limit', () => {
    const program = trace({ x: [5] }, ({ x }) => {
      const start = { x: x.mul(Number.NaN), n: x.sum().mul(0) };
      return {
        n: repeat(
          7,
          start,
          (held) => ({ x: held.x, n: held.n.add(1) }),
          (held) => held.x.maximum().gt(0),
        ).n,
      };
    });
    expect(runOn(wasm(), program, {})['n']?.[0]).toBe(7);
  });

  it('the norm neither overflows nor vanishes', () => {
    expectTrace(
      { x: [33], y: [33] },
      ({ x, y }) => ({ large: norm(x.mul(1e30)), small: norm(y.mul(1e-30)), zero: norm(x.mul(0)) }),
      {},
      1e-6,
    );
  });
});

describe('programs', () => {
  it('read host scalars at every run, in both precisions', () => {
    const optimizer = createOptimizer({
      transform: adamw({ learningRate: (step) => 0.1 / (step + 1), nonFinite: 'throw' }),
      parameters: { w: { shape: [5], data: [1, 2, 3, 4, 5] } },
      backend: wasm(),
    });
    for (let i = 0; i < 20; i++) optimizer.step({ w: [1, -1, 1, -1, 1] });
    expect(optimizer.programs).toBe(2);
    optimizer.set('learningRate', 0);
    const before = optimizer.parameters.w.slice();
    optimizer.step({ w: [1, -1, 1, -1, 1] });
    expect(optimizer.parameters.w).toEqual(before);
  });

  it('draw the same numbers as the reference, however long the tensor', () => {
    for (const n of [1, 2, 7, 1000]) {
      for (const distribution of ['uniform', 'rademacher', 'normal'] as const) {
        const program = drawing(distribution, n);
        for (const call of [0, 1, 12345]) expectSame(program, {}, distribution === 'normal' ? 1e-6 : 0, [call]);
      }
    }
  });
});

const drawing = (distribution: 'uniform' | 'rademacher' | 'normal', n: number) => {
  const empty = trace({}, () => ({}));
  const origin = { stage: '', owner: '', ordinal: 0 };
  return {
    ...empty,
    nodes: [
      { operation: { op: 'host', index: 0 }, shape: [], dtype: 'working', inputs: [], symmetric: false, origin },
      {
        operation: { op: 'random', distribution, seed: 3, stream: 77 },
        shape: [n],
        dtype: 'working',
        inputs: [0],
        symmetric: false,
        origin,
      },
    ],
    results: [1],
    outputs: [{ key: 'y', node: 1, shape: [n], dtype: 'working', donates: undefined }],
    host: { lines: [{ op: 'call' }], scalars: [0], hypers: [], counters: [] },
  } as const;
};
