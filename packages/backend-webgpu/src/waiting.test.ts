import { softwareAdapter } from '@opt/backend-contract/software-adapter';
import { BackendError, createOptimizer, perTensor } from '@opt/core';
import { linalg } from '@opt/linalg';
import { adamw } from '@opt/transforms';
import { expect, it } from 'vitest';
import { DeviceLostError, webgpu } from './index.ts';

softwareAdapter();

const n = 513;
const large = Float32Array.from({ length: n * n }, (_, k) => {
  const [i, j] = [Math.floor(k / n), k % n];
  return Math.sin(Math.min(i, j) + 1) + Math.cos(Math.max(i, j)) + (i === j ? i : 0);
});

/** The parameter becomes the eigenvectors of the gradient, turned by another product on the device. */
const eigenvectors = perTensor({
  name: 'eigenvectors',
  apply: ({ update }) => ({ parameter: update.eigh().vectors.neg() }),
});

const parameters = { w: { shape: [n, n], data: new Float32Array(n * n) } };

it("an eigenproblem too large for the device waits for the host where staleBasis is 'wait'", async () => {
  const backend = await webgpu({ staleBasis: 'wait' });
  const optimizer = await createOptimizer({ transform: eigenvectors, parameters, backend });
  const before = backend.counters.readBacks;
  await optimizer.step({ w: large });
  // The matrix, and whether the step was taken: nothing proves that these eigenvectors are finite.
  expect(backend.counters.readBacks - before).toBe(2);
  const expected = linalg()
    .eigh(large, n)
    .vectors.map((x) => -x);
  expect(await optimizer.parameters.w).toEqual(expected);
  optimizer.dispose();
  backend.dispose();
});

it('a step that must not wait refuses it, and says what to do', async () => {
  const backend = await webgpu();
  const optimizer = createOptimizer({ transform: eigenvectors, parameters, backend });
  const step = (): void => optimizer.step({ w: large });
  expect(step).toThrow(BackendError);
  expect(step).toThrow(`'eigh' of [${n},${n}] is too large for the device; webgpu({ staleBasis: 'wait' })`);
  optimizer.dispose();
  backend.dispose();
});

it('an awaited step lets the host look at gradients: one that is not finite is not counted', async () => {
  const backend = await webgpu({ staleBasis: 'wait' });
  const optimizer = await createOptimizer({ transform: adamw(), parameters: { w: { shape: [3], data: [1, 2, 3] } }, backend });
  await optimizer.step({ w: [1, Number.NaN, 1] });
  expect(await optimizer.skippedSteps).toBe(1);
  expect(Array.from(await optimizer.parameters.w)).toEqual([1, 2, 3]);
  backend.device.destroy();
  await expect(optimizer.step({ w: [1, 1, 1] })).rejects.toThrow();
  await backend.lost;
  await expect(backend.readBuffer(backend.create('output', 'x', [1], 'working'))).rejects.toBeInstanceOf(DeviceLostError);
  optimizer.dispose();
  backend.dispose();
});

it('times the GPU where it has a clock', async () => {
  const backend = await webgpu();
  const optimizer = createOptimizer({ transform: adamw(), parameters: { w: { shape: [300], data: new Float32Array(300) } }, backend });
  const time = await backend.time(() => {
    for (let step = 0; step < 3; step++) optimizer.step({ w: new Float32Array(300).fill(1) });
  });
  if (backend.device.features.has('timestamp-query')) expect(time).toBeGreaterThan(0);
  else expect(time).toBeUndefined();
  expect(await backend.time(() => {})).toBe(time === undefined ? undefined : 0);
  optimizer.dispose();
  backend.dispose();
});
