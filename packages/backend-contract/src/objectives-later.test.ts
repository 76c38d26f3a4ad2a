import { reference } from '@opt/backend-reference';
import { createOptimizer, mapValues, type Objective, type Values } from '@opt/core';
import { lInv, lre } from '@opt/lre';
import { direct } from '@opt/lre-basis';
import { bfgs, gaussNewton } from '@opt/lre-curvature';
import { describe, expect, it } from 'vitest';
import { remote, submitting } from './testing/modes.ts';
import { cube, type Name, newton, objectiveOf, product, start, values } from './testing/quartic.ts';

describe('asynchronous objectives', () => {
  const late = async <T>(value: T): Promise<T> => {
    await Promise.resolve();
    return value;
  };
  const run = async (
    backend: ReturnType<typeof reference> | ReturnType<typeof remote> | ReturnType<typeof submitting>,
  ): Promise<number[]> => {
    const optimizer = await createOptimizer({ transform: newton({ updateFreq: 2 }), parameters: start, backend, seed: 1 });
    const now = async (): Promise<Values<Name>> => ({ w: await optimizer.parameters.w, b: await optimizer.parameters.b });
    const objective: Objective<Name, 'async'> = {
      gradients: async () => mapValues(await now(), cube),
      hvp: async (v) => {
        const at = await now();
        return late(mapValues(v, (part, name) => product(at[name], part)));
      },
    };
    for (let step = 0; step < 5; step++) await optimizer.step(objective);
    return values(await now());
  };
  const synchronous = (): number[] => {
    const optimizer = createOptimizer({ transform: newton({ updateFreq: 2 }), parameters: start, backend: reference(), seed: 1 });
    for (let step = 0; step < 5; step++) optimizer.step(objectiveOf(optimizer.parameters));
    return values(optimizer.parameters);
  };

  it('do the same as synchronous ones, and may read parameters while they are asked', async () => {
    const expected = synchronous();
    expect(await run(reference())).toEqual(expected);
    expect(await run(remote(reference()))).toEqual(expected);
    expect(await run(submitting(reference()))).toEqual(expected);
  });

  it('that fail change nothing, and the next step goes on', async () => {
    const optimizer = createOptimizer({ transform: newton(), parameters: start, backend: reference() });
    const objective = objectiveOf(optimizer.parameters);
    const failing = { ...objective, hvp: () => Promise.reject(new Error('no answer')) };
    await expect(optimizer.step(failing)).rejects.toThrow('no answer');
    expect(values(optimizer.parameters)).toEqual([1, -2, 0.5, 1.5, -1, 2, 1]);
    optimizer.step(objective);
    expect(values(optimizer.parameters)).not.toEqual([1, -2, 0.5, 1.5, -1, 2, 1]);
  });
});

it('batches of several sizes are programs of their own', () => {
  const transform = lre({ curvature: gaussNewton(), basis: direct({ rank: 3, updateDamping: 0.1 }), inner: lInv() });
  const optimizer = createOptimizer({ transform, parameters: { x: { shape: [2], data: [1, 2] } }, backend: reference() });
  for (const samples of [2, 3, 2]) {
    const rows = Array.from({ length: 2 * samples }, (_, i) => Math.sin(i + 1));
    optimizer.step({
      gradients: () => ({ x: [1, 1] }),
      samples,
      perSampleGradients: () => ({ gradients: { x: rows }, losses: new Array(samples).fill(1) }),
    });
  }
  expect(Array.from(optimizer.parameters.x).every(Number.isFinite)).toBe(true);
});

it('a checkpoint taken between refreshes goes on bit for bit', () => {
  const make = () =>
    createOptimizer({
      transform: newton({ updateFreq: 2, curvature: bfgs({ z: 'mixed' }) }),
      parameters: start,
      backend: reference(),
      seed: 9,
    });
  const [through, first] = [make(), make()];
  for (let step = 0; step < 9; step++) through.step(objectiveOf(through.parameters));
  for (let step = 0; step < 5; step++) first.step(objectiveOf(first.parameters));
  const second = make();
  second.load(first.save());
  for (let step = 5; step < 9; step++) second.step(objectiveOf(second.parameters));
  expect(values(second.parameters)).toEqual(values(through.parameters));
});
