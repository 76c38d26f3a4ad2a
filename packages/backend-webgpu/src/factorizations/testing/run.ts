import { softwareAdapter } from '@opt/backend-contract/software-adapter';
import { afterAll } from 'vitest';
import type { Dispatch, Factorization, Place } from '../../dispatch.ts';

softwareAdapter();
const { create, globals } = await import('webgpu');
Object.assign(globalThis, globals);

const gpu = create([]);
// Where a page has it, and held: Dawn's devices die with what made them.
Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
const adapter = await gpu.requestAdapter();
const device = await adapter?.requestDevice();

const pipelines = new Map<string, GPUComputePipeline>();

/** Why nothing can be tested here, if so. */
export const missing: string | undefined = device === undefined ? 'no WebGPU adapter' : undefined;

afterAll(() => device?.destroy());

/** The output of a factorisation, from and to the host. Scratch starts as NaN: nothing may rely on what it held. */
export async function run(factorization: Factorization, inputs: readonly ArrayLike<number>[], length: number): Promise<Float32Array> {
  if (device === undefined) throw new Error(missing);
  const buffers: GPUBuffer[] = [];
  const place = (elements: number, data?: ArrayLike<number>): Place => {
    const size = Math.max(4, 4 * elements);
    const buffer = device.createBuffer({
      size,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
    buffers.push(buffer);
    device.queue.writeBuffer(buffer, 0, data === undefined ? new Float32Array(size / 4).fill(Number.NaN) : Float32Array.from(data));
    return { buffer, offset: 0, size };
  };
  const output = place(length);
  const dispatches = factorization.dispatches({
    inputs: inputs.map((data) => place(data.length, data)),
    output,
    scratch: factorization.scratch.map((elements) => place(elements)),
  });
  device.pushErrorScope('validation');
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (const one of dispatches) encode(device, pass, one);
  pass.end();
  const target = device.createBuffer({ size: output.size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
  encoder.copyBufferToBuffer(output.buffer, 0, target, 0, output.size);
  device.queue.submit([encoder.finish()]);
  const error = await device.popErrorScope();
  if (error !== null) throw new Error(error.message);
  await target.mapAsync(GPUMapMode.READ);
  const result = new Float32Array(target.getMappedRange().slice(0, 4 * length));
  for (const buffer of [...buffers, target]) buffer.destroy();
  return result;
}

function encode(device: GPUDevice, pass: GPUComputePassEncoder, one: Dispatch): void {
  const { label, wgsl, bindings, workgroups } = one;
  const pipeline =
    pipelines.get(wgsl) ??
    device.createComputePipeline({
      label,
      layout: 'auto',
      compute: { module: device.createShaderModule({ code: wgsl }), entryPoint: 'main' },
    });
  pipelines.set(wgsl, pipeline);
  const entries = bindings.map(({ buffer, offset, size }, binding) => ({ binding, resource: { buffer, offset, size } }));
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(...workgroups);
}
