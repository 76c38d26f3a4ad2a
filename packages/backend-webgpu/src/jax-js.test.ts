import { devicePut, getWebGPUDevice, grad, init, numpy as np } from '@jax-js/jax';
import { softwareAdapter } from '@opt/backend-contract/software-adapter';
import { reference } from '@opt/backend-reference';
import { createOptimizer, type Transform } from '@opt/core';
import { soap } from '@opt/soap';
import { adamw } from '@opt/transforms';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuTensor, WebGpuBuffer } from './index.ts';
import { webgpu } from './webgpu.ts';

softwareAdapter();
const { create, globals } = await import('webgpu');
Object.assign(globalThis, globals);
const gpu = create([]);
// What jax-js asks for; Node 20 has no navigator.
Object.defineProperty(globalThis, 'navigator', { value: { gpu, hardwareConcurrency: 2, userAgent: 'node' }, configurable: true });
const missing = (await gpu.requestAdapter()) === null ? ': no WebGPU adapter' : '';

/** Where an array lies, once everything it waits for is submitted. */
const onDevice = async (array: np.Array): Promise<GpuTensor> => ({ buffer: await array.ref.gpuBuffer(), shape: array.shape });

/** Reproducible numbers in (−1, 1). */
function noise(rows: number, columns: number, seed: number): number[][] {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  return Array.from({ length: rows }, () => Array.from({ length: columns }, next));
}

const transforms: readonly [string, () => Transform][] = [
  ['adamw', () => adamw({ learningRate: 0.05 })],
  ['soap', () => soap({ learningRate: 0.05, preconditionFrequency: 3 })],
];

describe.skipIf(missing)(`arrays of jax-js on its own device${missing}`, () => {
  beforeAll(async () => {
    expect(await init('webgpu')).toContain('webgpu');
  });

  afterAll(() => getWebGPUDevice().destroy());

  const array = (values: number[][]): Promise<np.Array> => devicePut(np.array(values), 'webgpu');

  it.each(transforms)('%s moves them in place, as on the host; nothing is read back', async (_, transform) => {
    const start = noise(3, 3, 3);
    const w = await array(start);
    const loss = (weights: np.Array, x: np.Array, y: np.Array): np.Array => np.square(np.dot(x, weights).sub(y)).mean();
    const gradient = grad(loss);

    const backend = webgpu({ device: getWebGPUDevice() });
    const optimizer = createOptimizer<'w', GpuTensor, WebGpuBuffer>({
      transform: transform(),
      backend,
      parameters: { w: await onDevice(w) },
    });
    const onHost = createOptimizer({
      transform: transform(),
      backend: reference(),
      parameters: { w: { shape: [3, 3], data: start.flat() } },
    });
    const { buffer } = await onDevice(w);
    for (let step = 0; step < 8; step++) {
      // Another batch for every step: from one and the same, SOAP's basis is not determined.
      const [x, y] = [await array(noise(12, 3, 10 + step)), await array(noise(12, 3, 50 + step))];
      const g = gradient(w.ref, x.ref, y.ref);
      optimizer.step({ w: await onDevice(g) });
      g.dispose();
      const expected = gradient(await array(rows(onHost.parameters.w)), x, y);
      onHost.step({ w: Array.from(await expected.data()) });
    }
    expect(backend.counters.readBacks).toBe(0);
    expect((await onDevice(w)).buffer).toBe(buffer);
    const moved = await w.ref.data();
    onHost.parameters.w.forEach((value, i) => {
      expect(Math.abs((moved[i] ?? Number.NaN) - value)).toBeLessThanOrEqual(1e-4);
    });
    optimizer.dispose();
    w.dispose();
  });
});

const rows = (data: ArrayLike<number>): number[][] => Array.from({ length: 3 }, (_, i) => Array.from(data).slice(3 * i, 3 * i + 3));
