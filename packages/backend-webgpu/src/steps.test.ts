import { softwareAdapter } from '@opt/backend-contract/software-adapter';
import { reference } from '@opt/backend-reference';
import { createOptimizer, perTensor, repeat, rule, StepInterrupted, scalar, type Transform } from '@opt/core';
import { soap } from '@opt/soap';
import { adam, adamw, decay, descend, sgd } from '@opt/transforms';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DeviceLostError, type WebGpuBackend, type WebGpuCounters, webgpu } from './index.ts';
import { usage } from './usage.ts';

softwareAdapter();

type Model = Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>>;

const noise = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * seed));

const model = (shapes: Readonly<Record<string, readonly number[]>>): Model =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => [
      name,
      {
        shape,
        data: noise(
          shape.reduce((a, b) => a * b, 1),
          i,
        ),
      },
    ]),
  );

const gradients = (of: Model, step: number): Record<string, Float32Array> =>
  Object.fromEntries(Object.entries(of).map(([name, { data }], i) => [name, noise(data.length, 10 * step + i + 100)]));

const mlp = model({ w0: [40, 100], b0: [100], w1: [100, 100], b1: [100], w2: [100, 10], b2: [10] });
const count = Object.values(mlp).reduce((sum, { data }) => sum + data.length, 0);

const without: (after: WebGpuCounters, before: WebGpuCounters) => WebGpuCounters = (after, before) => ({
  dispatches: after.dispatches - before.dispatches,
  bytes: after.bytes - before.bytes,
  runs: after.runs - before.runs,
  pipelines: after.pipelines - before.pipelines,
  buffers: after.buffers - before.buffers,
  readBacks: after.readBacks - before.readBacks,
});

describe('steps, counted', () => {
  let backend: WebGpuBackend;
  beforeAll(async () => {
    backend = await webgpu();
  });
  afterAll(() => backend.dispose());

  /** What step `last` costs, counted from 0. */
  function costOf(transform: Transform, of: Model, last: number, there = false): WebGpuCounters {
    const optimizer = createOptimizer({ transform, parameters: of, backend });
    const buffers: GPUBuffer[] = [];
    // Gradients that the host cannot look at.
    const placed = (given: Record<string, Float32Array>) =>
      Object.fromEntries(
        Object.entries(given).map(([name, data]) => {
          const buffer = backend.device.createBuffer({ size: data.byteLength, usage: usage.storage | usage.copySource | usage.copyTarget });
          backend.device.queue.writeBuffer(buffer, 0, new Float32Array(data));
          buffers.push(buffer);
          return [name, { buffer, shape: of[name]?.shape ?? [] }];
        }),
      );
    const step = (i: number): void => optimizer.step(there ? placed(gradients(of, i)) : gradients(of, i));
    for (let i = 0; i < last; i++) step(i);
    const before = backend.counters;
    step(last);
    const cost = without(backend.counters, before);
    optimizer.dispose();
    for (const buffer of buffers) buffer.destroy();
    return cost;
  }

  it('AdamW is one kernel for all parameters and one for what it counts, and moves 28 bytes per parameter', () => {
    const { bytes, ...cost } = costOf(adamw(), mlp, 2);
    expect(cost).toEqual({ dispatches: 2, runs: 1, pipelines: 0, buffers: 0, readBacks: 0 });
    expect(bytes).toBeGreaterThanOrEqual(28 * count);
    expect(bytes).toBeLessThan(28 * count + 100);
  });

  it('gradients that are on the device take one kernel more, 4 bytes per parameter and a few numbers', () => {
    const { bytes, ...cost } = costOf(adamw(), mlp, 2, true);
    expect(cost).toEqual({ dispatches: 3, runs: 1, pipelines: 0, buffers: 0, readBacks: 0 });
    expect(bytes).toBeGreaterThanOrEqual(32 * count);
    expect(bytes).toBeLessThan(32 * count + 50 * Object.keys(mlp).length);
  });

  it('a step that is skipped leaves the next one alone, also that of another optimizer', async () => {
    const make = () => createOptimizer({ transform: adamw(), parameters: mlp, backend });
    const [own, other, expected] = [make(), make(), make()];
    const { w1 = new Float32Array(0), ...rest } = gradients(mlp, 0);
    const poisoned = { ...rest, w1: w1.map((x, i) => (i === 7777 ? Number.POSITIVE_INFINITY : x)) };
    own.step(poisoned);
    other.step(gradients(mlp, 0));
    expected.step(gradients(mlp, 0));
    for (const name of Object.keys(mlp)) {
      expect(await own.parameters[name]).toEqual(mlp[name]?.data);
      expect(await other.parameters[name]).toEqual(await expected.parameters[name]);
    }
    own.step(gradients(mlp, 1));
    expect(await own.parameters['w0']).not.toEqual(mlp['w0']?.data);
    expect([await own.skippedSteps, await other.skippedSteps]).toEqual([1, 0]);
    for (const optimizer of [own, other, expected]) optimizer.dispose();
  });

  it('an ordinary step of SOAP is nine kernels for all matrices of one shape and a vector, ten where matrices are large', () => {
    const matrices = model({ a: [20, 12], b: [20, 12], c: [20, 12], d: [12] });
    expect(costOf(soap({ initialBasis: 'identity' }), matrices, 2).dispatches).toBe(9);
    const large = model({ a: [64, 48], b: [64, 48], c: [64, 48], d: [48] });
    expect(costOf(soap({ initialBasis: 'identity' }), large, 2).dispatches).toBe(10);
  });

  it('100 steps: no read, no pipeline after the second, no buffer', () => {
    const optimizer = createOptimizer({ transform: adamw({ learningRate: (step) => 1e-3 / (1 + step) }), parameters: mlp, backend });
    for (let step = 0; step < 2; step++) optimizer.step(gradients(mlp, step));
    const before = backend.counters;
    for (let step = 0; step < 100; step++) optimizer.step(gradients(mlp, step));
    const { dispatches: _, bytes: __, ...cost } = without(backend.counters, before);
    expect(cost).toEqual({ runs: 100, pipelines: 0, buffers: 0, readBacks: 0 });
    optimizer.dispose();
  });

  it('a loop over small tensors is one kernel, which ends where until says so', async () => {
    const halved = perTensor({
      name: 'halved',
      apply: ({ update }) => {
        const { x } = repeat(
          1000,
          { x: update, rounds: scalar(0) },
          (held) => ({ x: held.x.mul(0.5), rounds: held.rounds.add(1) }),
          (held) => held.rounds.ge(3),
        );
        return { parameter: x };
      },
    });
    expect(costOf(halved, { w: { shape: [4], data: new Float32Array(4) } }, 1).dispatches).toBeLessThanOrEqual(4);
    const optimizer = createOptimizer({ transform: halved, parameters: { w: { shape: [4], data: [0, 0, 0, 0] } }, backend });
    optimizer.step({ w: [8, -16, 24, 1] });
    expect(Array.from(await optimizer.parameters.w)).toEqual([1, -2, 3, 0.125]);
    optimizer.dispose();
  });

  it('more tensors than a table has rows are two kernels', async () => {
    const many = model(Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`p${i}`, [1 + (i % 3)]])));
    // Without the guard nobody has looked at the gradients: results are.
    const transform = rule(adam(), decay(), descend());
    // And one for what is counted.
    expect(costOf(adamw(), many, 1).dispatches).toBe(3);
    expect(costOf(transform, many, 1).dispatches).toBeLessThan(16);
    const own = createOptimizer({ transform, parameters: many, backend });
    const truth = createOptimizer({ transform, parameters: many, backend: reference() });
    for (let step = 0; step < 2; step++) {
      own.step(gradients(many, step));
      truth.step(gradients(many, step));
    }
    for (const name of Object.keys(many)) {
      const expected = truth.parameters[name] ?? [];
      const actual = (await own.parameters[name]) ?? [];
      expect(actual.length).toBe(expected.length);
      for (const [i, x] of Array.from(actual).entries()) expect(Math.abs(x - (expected[i] ?? Number.NaN))).toBeLessThan(1e-6);
    }
    own.dispose();
    truth.dispose();
  });

  it('a gradient on the device, for a step that has to wait, is kept as it was, and no tensor stays', async () => {
    const { device } = backend;
    const parameters = { w: { shape: [3], data: [0, 0, 0] } };
    const optimizer = createOptimizer({ transform: sgd({ learningRate: 1 }), parameters, backend });
    const buffer = device.createBuffer({ size: 12, usage: usage.storage | usage.copySource | usage.copyTarget });
    const put = (...values: number[]): void => device.queue.writeBuffer(buffer, 0, new Float32Array(values));
    put(1, 2, 3);
    optimizer.step({ w: { buffer, shape: [3] } });
    const saving = optimizer.save();
    put(10, 20, 30);
    optimizer.step({ w: { buffer, shape: [3] } });
    put(1000, 1000, 1000);
    const saved = await saving;
    expect([...(await optimizer.parameters.w)]).toEqual([-11, -22, -33]);
    const before = backend.tensors;
    optimizer.load(saved);
    expect([...(await optimizer.parameters.w)]).toEqual([-1, -2, -3]);
    expect(backend.tensors).toBe(before);
    optimizer.dispose();
    buffer.destroy();
  });

  it('parameters of the caller move where they lie, in as few kernels as bindings allow', async () => {
    const { device } = backend;
    const many = model(Object.fromEntries(Array.from({ length: 14 }, (_, i) => [`p${i}`, [5 + i]])));
    const flags = usage.storage | usage.copySource | usage.copyTarget;
    const owned = Object.fromEntries(
      Object.entries(many).map(([name, { shape, data }]) => {
        const buffer = device.createBuffer({ size: 4 * data.length + 12, usage: flags });
        device.queue.writeBuffer(buffer, 12, new Float32Array(data));
        return [name, { buffer, offset: 12, shape }];
      }),
    );
    const transform = adamw();
    const adopted = createOptimizer({ transform, parameters: owned, backend });
    const own = createOptimizer({ transform, parameters: many, backend });
    const careful = createOptimizer({ transform, parameters: owned, backend });
    for (let step = 0; step < 3; step++) {
      const given = gradients(many, step);
      const before = backend.counters;
      adopted.step(given);
      // A kernel binds gradients, slots, what was counted, and as many parameters as are left.
      const kernels = Math.ceil(14 / (device.limits.maxStorageBuffersPerShaderStage - 3));
      expect(without(backend.counters, before).dispatches).toBe(1 + kernels);
      own.step(given);
    }
    const before = backend.counters;
    careful.step({ ...gradients(many, 3), p5: [Number.NaN, ...noise(9, 5)] });
    expect(without(backend.counters, before).dispatches).toBe(0);
    expect(await careful.skippedSteps).toBe(1);
    for (const name of Object.keys(many)) expect(await adopted.parameters[name]).toEqual(await own.parameters[name]);
    const target = createOptimizer({ transform, parameters: many, backend });
    const first = owned['p0'];
    if (first !== undefined) target.step({ p0: first });
    expect(await target.gradients['p0']).toEqual(await adopted.parameters['p0']);
    for (const optimizer of [adopted, own, careful, target]) optimizer.dispose();
    for (const { buffer } of Object.values(owned)) buffer.destroy();
  });
});

describe('a lost device', () => {
  it('interrupts the step, is told, and what was saved goes on elsewhere', async () => {
    const [lost, other] = [await webgpu(), await webgpu()];
    const make = (backend: WebGpuBackend) => createOptimizer({ transform: adamw(), parameters: mlp, backend });
    const [optimizer, through] = [make(lost), make(other)];
    for (let step = 0; step < 3; step++) {
      optimizer.step(gradients(mlp, step));
      through.step(gradients(mlp, step));
    }
    const file = await optimizer.save();
    // The step is under way when its device goes.
    optimizer.step(gradients(mlp, 3));
    lost.device.destroy();
    await expect(optimizer.parameters['w0']).rejects.toBeInstanceOf(DeviceLostError);
    expect((await lost.lost).reason).toBe('destroyed');
    expect(() => optimizer.step(gradients(mlp, 4))).toThrow(StepInterrupted);
    optimizer.dispose();

    const resumed = make(other);
    await resumed.load(file);
    for (let step = 3; step < 6; step++) {
      resumed.step(gradients(mlp, step));
      through.step(gradients(mlp, step));
    }
    for (const name of Object.keys(mlp)) expect(await resumed.parameters[name]).toEqual(await through.parameters[name]);
    for (const backend of [lost, other]) backend.dispose();
  });
});

it('SOAP goes on over refreshes without a read', async () => {
  const backend = await webgpu();
  const small = model({ w: [6, 4], b: [4] });
  const optimizer = createOptimizer({
    transform: soap({ preconditionFrequency: 2, initialBasis: 'identity' }),
    parameters: small,
    backend,
  });
  for (let step = 0; step < 5; step++) optimizer.step(gradients(small, step));
  const before = backend.counters;
  for (let step = 5; step < 9; step++) optimizer.step(gradients(small, step));
  const { readBacks, pipelines, buffers } = without(backend.counters, before);
  expect({ readBacks, pipelines, buffers }).toEqual({ readBacks: 0, pipelines: 0, buffers: 0 });
  expect((await optimizer.parameters['w'])?.every(Number.isFinite)).toBe(true);
  optimizer.dispose();
  backend.dispose();
});
