/// <reference lib="dom" preserve="true" />
import { type Backend, BackendError, createOptimizer, isPromise, type MaybePromise, record, size } from '@opt/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { type DeviceTensor, DeviceVariable, gpuDevice, onDevice, submitPending } from './device-memory.ts';
import { judged } from './evaluating.ts';
import { aboutOf, changes, type Session, type SessionOptions, type SessionParameter } from './session.ts';

/** A backend that adopts GPU buffers of its device, such as `webgpu({ device: gpuDevice() })`. */
export interface DeviceBackend extends Backend<'sync', 'async', DeviceTensor> {
  readonly device: GPUDevice;
}

const now = <T>(value: MaybePromise<T>): T => {
  if (isPromise(value)) throw new BackendError('toTfjsOptimizer: a step must be synchronous');
  return value;
};

/** The mathematics on tfjs's own GPU: variables are moved in the buffers in which tfjs has them. */
export function deviceSession(options: SessionOptions, parameters: readonly SessionParameter[], backend: DeviceBackend): Session {
  const device = gpuDevice();
  if (backend.device !== device)
    throw new BackendError("toTfjsOptimizer: 'compute' must be on tfjs's own GPUDevice: webgpu({ device: gpuDevice() })");
  const held = new Map<string, DeviceVariable>();
  for (const { key, variable } of parameters) if (variable !== undefined) held.set(key, new DeviceVariable(variable));
  submitPending();
  const optimizer = now(
    createOptimizer<string, DeviceTensor, unknown>({
      ...options,
      backend,
      about: aboutOf(parameters),
      parameters: Object.fromEntries(
        parameters.map(({ key, shape }) => [key, held.get(key)?.tensor ?? { shape, data: new Float32Array(size(shape)) }]),
      ),
    }),
  );

  /** Everything tfjs was asked for is submitted, and every buffer is its variable's own and holds its value. */
  function join(): void {
    const assigned = [...held.values()].filter((one) => one.assigned);
    for (const one of held.values()) one.part();
    const encoder = device.createCommandEncoder();
    for (const one of assigned) one.copyBack(encoder);
    submitPending();
    if (assigned.length > 0) device.queue.submit([encoder.finish()]);
    for (const one of assigned) one.rejoin();
  }

  return {
    step(gradients: ReadonlyMap<string, Tensor>) {
      const given = record<DeviceTensor>();
      for (const [key, gradient] of gradients) given[key] = onDevice(gradient);
      join();
      now(optimizer.step(given));
      for (const key of gradients.keys()) held.get(key)?.moved();
    },
    set: (address, value) => optimizer.set(address, value),
    get hyperparameters() {
      return optimizer.hyperparameters;
    },
    save() {
      join();
      return optimizer.save();
    },
    load(file) {
      join();
      // The variables leave their buffers before these are overwritten, and come back with their values at the next step.
      for (const one of held.values()) one.leave();
      submitPending();
      return now(optimizer.load(file, changes));
    },
    finalize() {
      join();
      now(optimizer.finalize());
      for (const one of held.values()) one.moved();
    },
    judged() {
      join();
      return judged(optimizer);
    },
    metrics: () => optimizer.metrics(),
    get skippedSteps() {
      return optimizer.skippedSteps;
    },
    dispose() {
      optimizer.dispose();
      for (const one of held.values()) one.dispose();
    },
  };
}
