import { type ReferenceBuffer, reference } from '@opt/backend-reference';
import { type Backend, chain, createOptimizer, named, skipNonFinite, type Transform } from '@opt/core';
import { soap } from '@opt/soap';
import { adamw, extragradient, sam, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';

/** A gradient the host cannot look at. */
interface OnDevice {
  readonly there: readonly number[];
}

const isOnDevice = (value: unknown): value is OnDevice => typeof value === 'object' && value !== null && 'there' in value;

/** Like a GPU: runs at once and is read later. */
function device(): Backend<'sync', 'async', OnDevice, ReferenceBuffer> {
  const base = reference();
  return {
    specificationVersion: 1,
    name: 'device',
    run: 'sync',
    read: 'async',
    precision: base.precision,
    wide: base.wide,
    create: (role, key, shape, dtype) => base.create(role, key, shape, dtype),
    shapeOf: (value) => (isOnDevice(value) ? [value.there.length] : undefined),
    write: (buffer, data) => base.write(buffer, 'there' in data ? data.there : data),
    readBuffer: async (buffer) => base.readBuffer(buffer).slice(),
    release: () => base.release(),
    compile: (program, bind) => base.compile(program, bind),
    dispose: () => base.dispose(),
  };
}

describe('where the device decides', () => {
  const calls = [
    [1, -2],
    [0.5, 1],
    [Number.NaN, 1],
    [-1, 3],
    [2, 2],
    [Infinity, 0],
    [0.25, -1],
    [1, 1],
  ];
  const good = calls.filter((g) => g.every(Number.isFinite));
  const run = async (transform: Transform, sequence: readonly number[][], there: boolean) => {
    const optimizer = createOptimizer({ transform, parameters: { w: { shape: [2], data: [1, -1] } }, backend: device() });
    for (const g of sequence) optimizer.step({ w: there ? { there: g } : g });
    return { w: Array.from(await optimizer.parameters.w), skipped: await optimizer.skippedSteps };
  };

  it.each<[string, Transform]>([
    ['adamw', adamw({ learningRate: 0.1 })],
    ['amsgrad, averaged', adamw({ learningRate: 0.1, amsgradBeta: 1, useEma: true, emaOverwriteFrequency: 2 })],
    ['guarded from outside', skipNonFinite(chain(named('inner', adamw({ learningRate: 0.1 }))))],
  ])('counts are data, so that a call it drops is as if never made: %s', async (_, transform) => {
    const [poisoned, clean] = [await run(transform, calls, true), await run(transform, good, true)];
    expect([poisoned.skipped, clean.skipped]).toEqual([2, 0]);
    poisoned.w.forEach((x, i) => {
      expect(x).toBeCloseTo(clean.w[i] ?? Number.NaN, 12);
    });
  });

  it.each<[string, Transform]>([
    ['adamw', adamw({ learningRate: 0.1 })],
    ['soap', soap({ learningRate: 0.1, preconditionFrequency: 2, precondition1d: true })],
    ['accumulated', adamw({ learningRate: 0.1, gradientAccumulationSteps: 3, useEma: true })],
  ])('gradients that come as arrays the host looks at: then nothing at all happens: %s', async (_, transform) => {
    const [poisoned, clean] = [await run(transform, calls, false), await run(transform, good, false)];
    expect(poisoned.skipped).toBe(2);
    expect(poisoned.w).toEqual(clean.w);
  });

  it('a window that lost a call closes with the mean of the others', async () => {
    const transform = sgd({ learningRate: 1, gradientAccumulationSteps: 2 });
    const { w, skipped } = await run(
      transform,
      [
        [1, 1],
        [Number.NaN, 0],
        [Number.NaN, 0],
        [3, 5],
      ],
      true,
    );
    // The first window loses its second call, with which it would have closed, so that the next one closes with both.
    expect([w, skipped]).toEqual([[-1, -4], 2]);
  });

  it('an answer in the middle of a step that only the device can look at', async () => {
    const transform = adamw({ learningRate: 0.1 }).mapDirection((direction) => chain(sam({ rho: 0.1 }), direction));
    const answered = async (sequence: readonly number[][]) => {
      const optimizer = createOptimizer({ transform, parameters: { w: { shape: [2], data: [1, -1] } }, backend: device() });
      for (const g of sequence)
        await optimizer.step({ gradients: (at) => ({ w: { there: at === undefined ? [1, 2] : g.map((x, i) => x + (at.w[i] ?? 0)) } }) });
      return { w: Array.from(await optimizer.parameters.w), skipped: await optimizer.skippedSteps };
    };
    const [poisoned, clean] = [await answered(calls), await answered(good)];
    expect([poisoned.skipped, clean.skipped]).toEqual([2, 0]);
    poisoned.w.forEach((x, i) => {
      expect(x).toBeCloseTo(clean.w[i] ?? Number.NaN, 12);
    });
  });

  it('a gradient that only the device has, for a step that has to wait, is refused where it cannot be kept', async () => {
    const parameters = { w: { shape: [2], data: [1, -1] } };
    const optimizer = createOptimizer({ transform: sgd({ learningRate: 1 }), parameters, backend: device() });
    const saving = optimizer.save();
    expect(() => optimizer.step({ w: { there: [1, 1] } })).toThrow(
      "step: gradient of 'w' lies on a device, where 'device' cannot keep it until the call before is over; await that",
    );
    await saving;
    optimizer.step({ w: { there: [1, 1] } });
    expect(Array.from(await optimizer.parameters.w)).toEqual([0, -2]);
  });

  it('an answer of another shape is refused', async () => {
    const transform = extragradient();
    const optimizer = createOptimizer({ transform, parameters: { w: { shape: [2], data: [1, -1] } }, backend: device() });
    const step = optimizer.step({ gradients: (at) => ({ w: { there: at === undefined ? [1, 2] : [at.w[0] ?? 0] } }) });
    await expect(step).rejects.toThrow("step: gradients must give shape [2] for 'w', received [1]");
  });
});
