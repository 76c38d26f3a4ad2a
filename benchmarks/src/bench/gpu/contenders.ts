/// <reference lib="dom" preserve="true" />
import { type GpuTensor, type ProductOptions, type WebGpuBuffer, webgpu } from '@opt/backend-webgpu';
import { createOptimizer, mapValues } from '@opt/core';
import { type Contender, type Entry, looped } from '../contender.ts';
import { jaxJsAdamOn } from '../jax-js.ts';
import { gradientSetCount, gradientSets, type Shapes, type Tensors, tensors } from '../models.ts';
import type { Recipe } from '../recipes.ts';
import { tfjsTraining } from '../tfjs.ts';
import { timedDevice } from './adapter.ts';
import { PassClock } from './clock.ts';

/** What is timed: the compute passes, by the device's timestamps, or all until the device is done, by the host's clock. */
export type Timing = 'passes' | 'wall';

/** The device is given back with the contender unless it is shared. */
async function timed(inner: Contender, device: GPUDevice, timing: Timing, own: boolean): Promise<Contender> {
  const clock = timing === 'passes' ? clockOf(device) : undefined;
  return {
    async run(iterations) {
      clock?.start();
      const start = performance.now();
      await inner.run(iterations);
      await device.queue.onSubmittedWorkDone();
      return clock === undefined ? (performance.now() - start) / 1000 : clock.seconds();
    },
    async dispose() {
      await inner.dispose();
      if (own) device.destroy();
    },
  };
}

const clocks = new WeakMap<GPUDevice, PassClock>();

/** A device has one clock. */
function clockOf(device: GPUDevice): PassClock {
  const clock = clocks.get(device) ?? new PassClock(device);
  clocks.set(device, clock);
  return clock;
}

/** How ours may run beside the way it runs by itself. */
interface Variant extends ProductOptions {
  readonly without?: GPUFeatureName;
}

/** Ours on a device of its own, gradients handed over as GPU buffers. */
export const oursOnGpu = (name: string, recipe: Recipe, shapes: Shapes, timing: Timing, { without, ...products }: Variant = {}): Entry => ({
  name,
  block: recipe.block,
  async make() {
    const device = await timedDevice(without);
    const backend = webgpu({ device, ...products });
    const initial = tensors(shapes, 0);
    const optimizer = createOptimizer<string, GpuTensor, WebGpuBuffer>({
      transform: recipe.rule(),
      parameters: mapValues(shapes, (shape, key) => ({ shape, data: initial[key] ?? [] })),
      backend,
    });
    const changing = recipe.block > 1;
    const sets = gradientSets(shapes, changing ? gradientSetCount(shapes) : 1).map((set) => onDevice(device, shapes, set));
    let turn = 0;
    const step = (): void => {
      optimizer.step(sets[turn++ % sets.length] ?? {});
    };
    // Everything is compiled before anything is timed.
    step();
    step();
    return timed(
      looped(step, () => {
        optimizer.dispose();
        backend.dispose();
      }),
      device,
      timing,
      true,
    );
  },
});

function onDevice(device: GPUDevice, shapes: Shapes, data: Tensors): Readonly<Record<string, GpuTensor>> {
  return mapValues(shapes, (shape, key) => {
    const numbers = new Float32Array(data[key] ?? [0]);
    const buffer = device.createBuffer({
      size: numbers.byteLength,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
    device.queue.writeBuffer(buffer, 0, numbers);
    return { buffer, shape };
  });
}

/** A tf.Optimizer on tfjs-webgpu: tfjs's own Adam, or ours. */
export const onTfjsWebgpu = (name: string, kind: 'adam' | 'op by op' | 'shared device', shapes: Shapes, timing: Timing): Entry => ({
  name,
  async make() {
    const device = await tfjsDevice();
    const [{ gpuDevice, tfjsDevice: opByOp, toTfjsOptimizer }, { adamw }] = await Promise.all([
      import('@opt/backend-tfjs'),
      import('@opt/transforms'),
    ]);
    const inner = await tfjsTraining('webgpu', shapes, (tf) => {
      if (kind === 'adam') return tf.train.adam(1e-3);
      return toTfjsOptimizer(adamw(), { compute: kind === 'op by op' ? opByOp() : webgpu({ device: gpuDevice() }) });
    });
    return timed(inner, device, timing, false);
  },
});

let ofTfjs: Promise<GPUDevice> | undefined;

/** tfjs has one webgpu backend in a process, with one device. */
function tfjsDevice(): Promise<GPUDevice> {
  ofTfjs ??= (async () => {
    const device = await timedDevice();
    const [tf, { WebGPUBackend }] = await Promise.all([import('@tensorflow/tfjs-core'), import('@tensorflow/tfjs-backend-webgpu')]);
    tf.removeBackend('webgpu');
    tf.registerBackend('webgpu', () => new WebGPUBackend(device));
    return device;
  })();
  return ofTfjs;
}

export const jaxJsOnGpu = (shapes: Shapes, timing: Timing): Entry => ({
  name: 'jax-js Adam',
  async make() {
    const inner = await jaxJsAdamOn('webgpu', shapes);
    const { getWebGPUDevice } = await import('@jax-js/jax');
    return timed(inner, getWebGPUDevice(), timing, false);
  },
});

/** A kernel that reads half of `bytes` and writes the other half: the bandwidth a step is held against. */
export const copyOnGpu = (name: string, bytes: number, timing: Timing): Entry => ({
  name,
  async make() {
    const device = await timedDevice();
    const vectors = Math.max(1, Math.round(bytes / 32));
    const buffer = (): GPUBuffer => device.createBuffer({ size: 16 * vectors, usage: GPUBufferUsage.STORAGE });
    const [source, target] = [buffer(), buffer()];
    const code = `
@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> goal: array<vec4f>;
@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 256u;
  if (i < ${vectors}u) { goal[i] = source[i]; }
}`;
    const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module: device.createShaderModule({ code }) } });
    const group = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [source, target].map((one, binding) => ({ binding, resource: { buffer: one } })),
    });
    const groups = Math.ceil(vectors / 256);
    const wide = Math.min(groups, 32768);
    const copy = (): void => {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(wide, Math.ceil(groups / wide));
      pass.end();
      device.queue.submit([encoder.finish()]);
    };
    copy();
    return timed(looped(copy), device, timing, true);
  },
});
