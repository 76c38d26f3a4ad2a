/// <reference lib="dom" preserve="true" />
import { type Backend, BackendError, type DType, type Executable, type Floats, type Program, type Role, type Shape } from '@opt/core';
import { requestDevice } from './device.ts';
import type { Factorizations } from './dispatch.ts';
import { Commands } from './executable.ts';
import { factorizations } from './factorizations/factorizations.ts';
import { Linker } from './link.ts';
import { DeviceMemory, type GpuTensor, type WebGpuBuffer } from './memory.ts';
import { Pipelines } from './pipelines.ts';
import { planBlock } from './plan/block-plan.ts';
import { Region } from './plan/region.ts';
import { factorizationOf } from './requests.ts';
import { Scratch } from './scratch.ts';

export interface WebGpuOptions {
  /** Which of several GPUs is asked for, `high-performance` (default) or `low-power`. */
  readonly powerPreference?: GPUPowerPreference;
}

export interface OwnDeviceOptions {
  /** A device of yours: it is not destroyed by `dispose`, and tensors of yours on it can be adopted. */
  readonly device: GPUDevice;
}

/** Why a device is no more. */
export interface DeviceLoss {
  /** `destroyed` by `device.destroy()`, or `unknown`: the driver gave up, the tab lost the GPU. */
  readonly reason: GPUDeviceLostReason;
  readonly message: string;
}

/** The device is gone, and with it all that lay there: make a new backend and an optimizer on it, and `load` what was saved last. */
export class DeviceLostError extends BackendError {
  readonly reason: GPUDeviceLostReason;

  constructor({ reason, message }: DeviceLoss) {
    super(`webgpu: the device was lost (${reason}): ${message}`);
    this.reason = reason;
  }
}

/** What has happened since a backend was made: what tests of growth watch. */
export interface WebGpuCounters {
  /** Dispatches submitted, and the bytes they move between memory and processor: of a tensor, every element needed counts once. */
  readonly dispatches: number;
  readonly bytes: number;
  /** Command buffers submitted by steps. */
  readonly submissions: number;
  readonly pipelines: number;
  /** GPU buffers alive, those of a read not counted. */
  readonly buffers: number;
  /** Tensors read back to the host. */
  readonly readBacks: number;
}

/**
 * Compiles programs to fused WGSL; parameters, gradients and state stay on the GPU. With a device it returns at once, without one it
 * asks the platform for one: the browser, or in Node the optional package `webgpu` (Dawn).
 *
 * @throws BackendError where there is no WebGPU, or no adapter
 */
export function webgpu(options: OwnDeviceOptions): WebGpuBackend;
export function webgpu(options?: WebGpuOptions): Promise<WebGpuBackend>;
export function webgpu(options: WebGpuOptions | OwnDeviceOptions = {}): WebGpuBackend | Promise<WebGpuBackend> {
  if ('device' in options) return new WebGpuBackend(options.device, undefined);
  const { powerPreference = 'high-performance' } = options;
  return requestDevice(powerPreference).then(({ device, owner }) => new WebGpuBackend(device, owner));
}

export class WebGpuBackend implements Backend<'sync', 'async', GpuTensor, WebGpuBuffer> {
  readonly specificationVersion = 1;
  readonly name = 'webgpu';
  readonly run = 'sync';
  readonly read = 'async';
  readonly precision = 'f32';
  readonly wide = 'f32';
  readonly device: GPUDevice;
  /** Settles when the device is lost, however that comes. */
  readonly lost: Promise<DeviceLoss>;
  /** What Dawn's device belongs to; a process does not end while somebody holds it. */
  #owner: GPU | undefined;
  readonly #memory: DeviceMemory;
  readonly #pipelines: Pipelines;
  readonly #scratch: Scratch;
  readonly #factorizations: Factorizations = factorizations;
  /** Why nothing can run any more. */
  #failure: BackendError | undefined;
  #dispatches = 0;
  #bytes = 0;
  #submissions = 0;
  #readBacks = 0;
  #programBuffers = 0;

  constructor(device: GPUDevice, owner: GPU | undefined) {
    this.device = device;
    this.#owner = owner;
    this.#memory = new DeviceMemory(device);
    this.#pipelines = new Pipelines(device);
    this.#scratch = new Scratch(device, this.#memory.chunk);
    this.lost = device.lost.then(({ reason, message }) => {
      const loss = { reason, message };
      this.#failure = new DeviceLostError(loss);
      return loss;
    });
  }

  /** Tensors alive. */
  get tensors(): number {
    return this.#memory.tensors;
  }

  get counters(): WebGpuCounters {
    return {
      dispatches: this.#dispatches,
      bytes: this.#bytes,
      submissions: this.#submissions,
      pipelines: this.#pipelines.count,
      buffers: this.#memory.buffers + this.#scratch.count + this.#programBuffers,
      readBacks: this.#readBacks,
    };
  }

  create(role: Role, key: string, shape: Shape, _dtype: DType): WebGpuBuffer {
    this.#usable();
    return this.#memory.create(role, key, shape);
  }

  adopt(native: GpuTensor): { readonly buffer: WebGpuBuffer; readonly shape: Shape } {
    return { buffer: this.#memory.adopt(native), shape: native.shape };
  }

  /** Nothing is said here of a lost device: the program that is to read what was written will. */
  write(buffer: WebGpuBuffer, data: ArrayLike<number> | GpuTensor): void {
    if ('length' in data) this.#memory.write(buffer, data);
    else this.#memory.copy(buffer, data);
  }

  async readBuffer(buffer: WebGpuBuffer): Promise<Floats> {
    this.#usable();
    this.#readBacks++;
    try {
      return await this.#memory.read(buffer);
    } catch (cause) {
      // A lost device rejects reads first, and says so a moment later.
      await Promise.resolve();
      throw this.#failure ?? new BackendError(`webgpu: a read failed: ${String(cause)}`, { cause });
    }
  }

  release(buffer: WebGpuBuffer): void {
    this.#memory.release(buffer);
  }

  compile(program: Program, bind: (key: string) => WebGpuBuffer): Executable<'sync'> {
    this.#usable();
    this.#watch('validation');
    const { limits } = this.device;
    const regions = new Map<WebGpuBuffer, Region>();
    const region = (key: string): Region => {
      const tensor = bind(key);
      const known = regions.get(tensor) ?? Region.of(tensor);
      regions.set(tensor, known);
      return known;
    };
    const bindings = limits.maxStorageBuffersPerShaderStage;
    const alignment = limits.minStorageBufferOffsetAlignment;
    const { chunk } = this.#memory;
    const plan = planBlock(
      { nodes: program.nodes, results: program.outputs.map(({ node }) => node) },
      (read) => region(read.op === 'input' ? read.key : ''),
      program.outputs.map(({ key }) => region(key)),
      {
        bindings,
        alignment,
        chunk,
        scratch: (value, batch) => factorizationOf(value, batch, this.#factorizations).scratch.map((elements) => 4 * elements),
      },
    );
    const linker = new Linker(
      {
        bindings,
        uniformBytes: limits.maxUniformBufferBindingSize,
        alignment: limits.minUniformBufferOffsetAlignment,
        workgroups: limits.maxComputeWorkgroupsPerDimension,
        chunk,
      },
      this.#factorizations,
      program.host.scalars.length,
    );
    const items = linker.items(plan);
    this.#scratch.reserve(plan.bytes);
    const commands = new Commands(this.device, this.#pipelines, this.#scratch, items, linker.tables, linker.hosts);
    this.#programBuffers += commands.buffers;
    this.#settle();
    return {
      run: (scalars) => {
        this.#usable();
        commands.run(scalars);
        this.#submissions++;
        this.#dispatches += commands.dispatches;
        this.#bytes += commands.bytes;
      },
      dispose: () => {
        this.#programBuffers -= commands.buffers;
        commands.dispose();
      },
    };
  }

  /** Frees what the backend holds; a device of its own is destroyed. */
  dispose(): void {
    this.#scratch.destroy();
    if (this.#owner !== undefined) this.device.destroy();
    this.#owner = undefined;
  }

  #usable(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** From here to `settle`, an error of the device's is remembered, and the next run throws it. */
  #watch(filter: GPUErrorFilter): void {
    this.device.pushErrorScope(filter);
  }

  #settle(): void {
    this.device.popErrorScope().then(
      (error) => {
        if (error !== null) this.#failure ??= new BackendError(`webgpu: ${error.message}`);
      },
      () => {
        // The device is lost, which `lost` says.
      },
    );
  }
}
