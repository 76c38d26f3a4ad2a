/// <reference lib="dom" preserve="true" />
import { devicePut, getWebGPUDevice, init, numpy as np } from '@jax-js/jax';
import { reference } from '@opt/backend-reference';
import { gpuDevice, toTfjsOptimizer } from '@opt/backend-tfjs';
import { createOptimizer, type Transform } from '@opt/core';
import { soap } from '@opt/soap';
import { adamw } from '@opt/transforms';
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { type GpuTensor, type WebGpuBuffer, webgpu } from '../index.ts';

const transforms: Readonly<Record<'adamw' | 'soap', () => Transform>> = {
  adamw: () => adamw({ learningRate: 0.05 }),
  soap: () => soap({ learningRate: 0.05, preconditionFrequency: 3 }),
};

export interface Adopted {
  /** Largest difference to the same steps in f64 on the host. */
  readonly error: number;
  /** Whether the weights still lie in the GPU buffer in which they began. */
  readonly inPlace: boolean;
  readonly readBacks: number;
}

/** What the test in Node calls in the page. */
export interface AdoptingPage {
  /** Undefined where the browser has no adapter. */
  tfjs(transform: 'adamw' | 'soap'): Promise<Adopted | undefined>;
  jaxJs(transform: 'adamw' | 'soap'): Promise<Adopted | undefined>;
}

const steps = 8;
const [rows, columns] = [4, 3];

/** Reproducible numbers in (−1, 1). */
const noise = (seed: number): number[] =>
  Array.from({ length: rows * columns }, (_, i) => {
    const x = Math.sin(12.9898 * (i + 1) + 78.233 * seed) * 43758.5453;
    return 2 * (x - Math.floor(x)) - 1;
  });

const largest = (actual: ArrayLike<number>, expected: ArrayLike<number>): number =>
  Array.from(expected).reduce((most, x, i) => Math.max(most, Math.abs((actual[i] ?? Number.NaN) - x)), 0);

/** The weights after all steps, from gradients that are noise. */
function onHost(transform: Transform): ArrayLike<number> {
  const optimizer = createOptimizer({ transform, backend: reference(), parameters: { w: { shape: [rows, columns], data: noise(0) } } });
  for (let step = 1; step <= steps; step++) optimizer.step({ w: noise(step) });
  return optimizer.parameters.w;
}

const there = async (): Promise<boolean> => navigator.gpu !== undefined && (await navigator.gpu.requestAdapter()) !== null;

globalThis.optAdopting = {
  async tfjs(name) {
    if (!(await there())) return undefined;
    await tf.setBackend('webgpu');
    await tf.ready();
    const backend = tf.backend();
    if (!(backend instanceof WebGPUBackend)) throw new Error('tfjs is on webgpu');
    const compute = webgpu({ device: gpuDevice() });
    const variable = tf.variable(tf.tensor2d(noise(0), [rows, columns]));
    const optimizer = toTfjsOptimizer(transforms[name](), { compute });
    const buffer = (): unknown => backend.tensorMap.get(variable.dataId).resource;
    let began: unknown;
    for (let step = 1; step <= steps; step++) {
      // Computed on the GPU, where the optimizer finds it.
      optimizer.applyGradients({ [variable.name]: tf.tidy(() => tf.neg(tf.neg(tf.tensor2d(noise(step), [rows, columns])))) });
      began ??= buffer();
    }
    const { readBacks } = compute.counters;
    const inPlace = began instanceof GPUBuffer && buffer() === began;
    const outcome = { error: largest(await variable.data(), onHost(transforms[name]())), inPlace, readBacks };
    optimizer.dispose();
    variable.dispose();
    return outcome;
  },
  async jaxJs(name) {
    if (!(await there())) return undefined;
    await init('webgpu');
    const put = (data: number[]): Promise<np.Array> => devicePut(np.array(data).reshape([rows, columns]), 'webgpu');
    const onDevice = async (array: np.Array): Promise<GpuTensor> => ({ buffer: await array.ref.gpuBuffer(), shape: array.shape });
    const w = await put(noise(0));
    const backend = webgpu({ device: getWebGPUDevice() });
    const began = await onDevice(w);
    const optimizer = createOptimizer<'w', GpuTensor, WebGpuBuffer>({ transform: transforms[name](), backend, parameters: { w: began } });
    for (let step = 1; step <= steps; step++) {
      const gradient = await put(noise(step));
      optimizer.step({ w: await onDevice(gradient) });
      gradient.dispose();
    }
    const { readBacks } = backend.counters;
    const inPlace = (await onDevice(w)).buffer === began.buffer;
    const outcome = { error: largest(await w.ref.data(), onHost(transforms[name]())), inPlace, readBacks };
    optimizer.dispose();
    w.dispose();
    return outcome;
  },
};

declare global {
  var optAdopting: AdoptingPage;
}
