import { defaultDevice, init, jit, numpy as np, valueAndGrad } from '@jax-js/jax';
import { mapValues, required, type Shape } from '@opt/core';
import type { LossAndGradients, Values } from './task.ts';

type Arrays = Record<string, np.Array>;

let started: Promise<void> | undefined;

/** Makes jax-js's WebAssembly device the default, once per process. */
export const startJax = (): Promise<void> => {
  started ??= start();
  return started;
};

async function start(): Promise<void> {
  // jax-js asks navigator for the number of cores; Node 20 has no navigator yet.
  if (!('navigator' in globalThis))
    Object.defineProperty(globalThis, 'navigator', { value: { hardwareConcurrency: 2 }, configurable: true });
  const available = await init('wasm');
  if (!available.includes('wasm')) throw new Error('jax-js found no WebAssembly device');
  defaultDevice('wasm');
}

/** Row-major numbers on the device; a copy. */
export const upload = (data: Float32Array | Float64Array, shape: Shape): np.Array =>
  np.array(new Float32Array(data), { shape: [...shape] });

/** The numbers of an array, which is used up. */
export function download(array: np.Array): Float32Array {
  const data = array.dataSync();
  if (!(data instanceof Float32Array)) throw new Error(`jax-js must compute in float32, it gave ${array.dtype}`);
  return data;
}

export const scalar = (array: np.Array): number => download(array)[0] ?? Number.NaN;

/** A loss and its gradients by parameters of these shapes, compiled once per shape of a batch. Consumes the arrays of the batch. */
export function differentiated(
  shapes: Readonly<Record<string, Shape>>,
  loss: (parameters: Arrays, ...batch: np.Array[]) => np.Array,
): (parameters: Values, ...batch: np.Array[]) => LossAndGradients {
  const compiled = jit(valueAndGrad(loss));
  return (parameters, ...batch) => {
    const [value, gradients] = compiled(uploadAll(shapes, parameters), ...batch);
    return { loss: scalar(value), gradients: mapValues(gradients, download) };
  };
}

/** The values of these parameters on the device. */
export const uploadAll = (shapes: Readonly<Record<string, Shape>>, parameters: Values): Arrays => ({
  // jax-js takes an object without a prototype for a leaf.
  ...mapValues(shapes, (shape, name) => upload(required(parameters, name, 'parameter'), shape)),
});
