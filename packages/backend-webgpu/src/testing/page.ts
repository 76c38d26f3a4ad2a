/// <reference lib="dom" preserve="true" />
import { type Outcome, parseGolden, replay } from '@opt/backend-contract';
import { createOptimizer } from '@opt/core';
import { adamw } from '@opt/transforms';
import { type WebGpuBackend, webgpu } from '../index.ts';

/** What the test in Node calls in the page. */
export interface WebGpuPage {
  /** Storage buffers that the adapter binds at once; undefined where the browser has none. */
  start(): Promise<number | undefined>;
  replay(golden: unknown): Promise<Outcome>;
  /** AdamW on a small model: dispatches, reads and new buffers of one step, and whether everything stayed finite. */
  step(): Promise<{ readonly dispatches: number; readonly readBacks: number; readonly buffers: number; readonly finite: boolean }>;
}

let backend: WebGpuBackend | undefined;

const started = (): WebGpuBackend => {
  if (backend === undefined) throw new Error('start() comes first');
  return backend;
};

globalThis.optWebGpu = {
  async start() {
    if (navigator.gpu === undefined || (await navigator.gpu.requestAdapter()) === null) return undefined;
    backend = await webgpu();
    return backend.device.limits.maxStorageBuffersPerShaderStage;
  },
  replay: (golden) => replay(parseGolden(golden), started()),
  async step() {
    const own = started();
    const parameters = { w: { shape: [30, 20], data: new Float32Array(600).fill(0.5) }, b: { shape: [20], data: new Float32Array(20) } };
    const optimizer = createOptimizer({ transform: adamw(), parameters, backend: own });
    const gradients = { w: new Float32Array(600).fill(0.1), b: new Float32Array(20).fill(-0.1) };
    for (let step = 0; step < 2; step++) optimizer.step(gradients);
    const before = own.counters;
    optimizer.step(gradients);
    const after = own.counters;
    const finite = (await optimizer.parameters.w).every(Number.isFinite);
    optimizer.dispose();
    return {
      dispatches: after.dispatches - before.dispatches,
      readBacks: after.readBacks - before.readBacks,
      buffers: after.buffers - before.buffers,
      finite,
    };
  },
};

declare global {
  var optWebGpu: WebGpuPage;
}
