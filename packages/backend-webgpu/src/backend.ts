/// <reference lib="dom" preserve="true" />
import {
  type Backend,
  BackendError,
  type DType,
  type Executable,
  type Floats,
  type Mode,
  type Program,
  type Result,
  type Role,
  type Shape,
} from '@opt/core';
import { Commands } from './commands.ts';
import { abilitiesOf, type ProductStorage } from './device.ts';
import { factorizations } from './factorizations/factorizations.ts';
import type { GpuDevice } from './gpu.ts';
import { Host } from './host.ts';
import { type Item, Linker } from './link.ts';
import { DeviceMemory, type GpuTensor, isGpuTensor, type WebGpuBuffer } from './memory.ts';
import { Pipelines } from './pipelines.ts';
import type { Abilities } from './plan/abilities.ts';
import { planBlock } from './plan/block-plan.ts';
import { Region } from './plan/region.ts';
import { factorizationOf, tooLarge } from './requests.ts';
import { Scratch } from './scratch.ts';
import { Timer } from './timer.ts';

/** Why a device is no more. */
export interface DeviceLoss {
  /** `destroyed` by `device.destroy()`, or `unknown`: the driver gave up, the tab lost the GPU. */
  readonly reason: 'destroyed' | 'unknown';
  readonly message: string;
}

/** The device is gone, and with it all that lay there: make a new backend and an optimizer on it, and `load` what was saved last. */
export class DeviceLostError extends BackendError {
  readonly reason: 'destroyed' | 'unknown';

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
  /** Runs of programs. */
  readonly runs: number;
  readonly pipelines: number;
  /** GPU buffers alive, those of a read not counted. */
  readonly buffers: number;
  /** Tensors read back to the host. */
  readonly readBacks: number;
}

/** What backends that wait for the host and those that do not have in common. */
export abstract class GpuBackend<Run extends Mode> implements Backend<Run, 'async', GpuTensor, WebGpuBuffer, 'f32'> {
  readonly specificationVersion = 1;
  readonly name = 'webgpu';
  abstract readonly run: Run;
  readonly read = 'async';
  readonly precision = 'f32';
  readonly wide = 'f32';
  readonly device: GpuDevice;
  /** Settles when the device is lost, however that comes. */
  readonly lost: Promise<DeviceLoss>;
  readonly #own: boolean;
  readonly #memory: DeviceMemory;
  readonly #pipelines: Pipelines;
  readonly #scratch: Scratch;
  readonly #abilities: Abilities;
  readonly #host = new Host();
  /** Why nothing can run any more. */
  #failure: BackendError | undefined;
  #timer: Timer | undefined;
  #dispatches = 0;
  #bytes = 0;
  #runs = 0;
  #readBacks = 0;
  #programBuffers = 0;

  /** `own`: whether the device goes with the backend. */
  constructor(device: GpuDevice, own: boolean, productStorage?: ProductStorage) {
    this.#abilities = abilitiesOf(device, productStorage);
    this.device = device;
    this.#own = own;
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
      runs: this.#runs,
      pipelines: this.#pipelines.count,
      buffers: this.#memory.buffers + this.#scratch.count + this.#programBuffers,
      readBacks: this.#readBacks,
    };
  }

  create(role: Role, key: string, shape: Shape, _dtype: DType): WebGpuBuffer {
    return this.#memory.create(role, key, shape);
  }

  /** The caller's buffer is moved where it lies, and stays the caller's. */
  adopt(native: GpuTensor): { readonly buffer: WebGpuBuffer; readonly shape: Shape } {
    return { buffer: this.#memory.adopt(native), shape: native.shape };
  }

  shapeOf(value: unknown): Shape | undefined {
    return isGpuTensor(value) ? value.shape : undefined;
  }

  overlap(a: WebGpuBuffer, b: WebGpuBuffer): boolean {
    return a.buffer === b.buffer && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
  }

  /** Nothing is said here of a lost device: the program that is to read what was written will. */
  write(buffer: WebGpuBuffer, data: ArrayLike<number> | GpuTensor): void {
    if ('length' in data) this.#memory.write(buffer, data);
    else this.#memory.copy(buffer, data);
  }

  copy({ buffer, offset, length }: WebGpuBuffer, to: WebGpuBuffer): void {
    this.#memory.copy(to, { buffer: buffer.gpu, offset, shape: [length] });
  }

  async readBuffer(buffer: WebGpuBuffer): Promise<Floats> {
    this.#usable();
    this.#readBacks++;
    try {
      return await this.#memory.read(buffer);
    } catch (cause) {
      return this.#explain(new BackendError(`webgpu: a read failed: ${String(cause)}`, { cause }));
    }
  }

  release(buffer: WebGpuBuffer): void {
    this.#memory.release(buffer);
  }

  abstract compile(program: Program, bind: (key: string) => WebGpuBuffer): Result<Run, Executable<Run>>;

  /**
   * Milliseconds the GPU spends on the programs that run while `work` does, by its own clock; browsers round it. Undefined where the
   * device lacks `timestamp-query`.
   */
  async time(work: () => void | Promise<void>): Promise<number | undefined> {
    if (!this.device.features.has('timestamp-query')) return undefined;
    const timer = new Timer(this.device);
    this.#timer = timer;
    try {
      await work();
    } finally {
      this.#timer = undefined;
    }
    return timer.total();
  }

  /** Frees what the backend holds; a device of its own is destroyed. */
  dispose(): void {
    this.#scratch.destroy();
    this.#host.end();
    if (this.#own) this.device.destroy();
  }

  /** A program made ready. `remedy`: what to do about factorisations too large for the device; without one, its runs wait for the host. */
  protected prepare(program: Program, bind: (key: string) => WebGpuBuffer, remedy?: string): Prepared {
    this.#usable();
    this.device.pushErrorScope('validation');
    const { items, bytes, flags, tables, hosts } = this.#link(program, bind, remedy);
    // Between two of its submissions, other programs may run.
    const own = items.some(({ kind }) => kind === 'host') ? new Scratch(this.device, this.#memory.chunk) : undefined;
    const scratch = own ?? this.#scratch;
    scratch.reserve(bytes);
    scratch.reserveFlags(flags);
    const commands = new Commands(this.device, this.#pipelines, scratch, items, tables, hosts);
    const buffers = commands.buffers + (own?.count ?? 0);
    this.#programBuffers += buffers;
    this.#settle();
    const begin = (): void => {
      this.#usable();
      this.#runs++;
      this.#dispatches += commands.dispatches;
      this.#bytes += commands.bytes;
    };
    let first = true;
    return {
      run: (scalars) => {
        begin();
        // What is bound together is only checked when it is submitted.
        if (first) this.device.pushErrorScope('validation');
        commands.run(scalars, this.#timer);
        if (first) this.#settle();
        first = false;
      },
      runWaiting: (scalars) => {
        begin();
        const read = (): void => {
          this.#readBacks++;
        };
        return commands.runWaiting(scalars, this.#host, this.#timer, read).catch((cause: unknown) => this.#explain(cause));
      },
      dispose: () => {
        this.#programBuffers -= buffers;
        own?.destroy();
        commands.dispose();
      },
    };
  }

  #link(program: Program, bind: (key: string) => WebGpuBuffer, remedy: string | undefined): Linked {
    const { limits } = this.device;
    const regions = new Map<WebGpuBuffer, Region>();
    const region = (key: string): Region => {
      const tensor = bind(key);
      const known = regions.get(tensor) ?? Region.of(tensor);
      regions.set(tensor, known);
      return known;
    };
    const [bindings, alignment] = [limits.maxStorageBuffersPerShaderStage, limits.minStorageBufferOffsetAlignment];
    const { chunk } = this.#memory;
    const plan = planBlock(
      { nodes: program.nodes, results: program.outputs.map(({ node }) => node) },
      (read) => region(read.op === 'input' ? read.key : ''),
      program.outputs.map(({ key }) => region(key)),
      {
        bindings,
        alignment,
        chunk,
        abilities: this.#abilities,
        scratch: (value, batch) => {
          const factorization = factorizationOf(value, batch, factorizations);
          if (factorization !== undefined) return factorization.scratch.map((elements) => 4 * elements);
          if (remedy !== undefined) throw tooLarge(value, remedy);
          return [];
        },
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
      factorizations,
      program.host.scalars.length,
    );
    const items = linker.items(plan);
    return { items, bytes: plan.bytes, flags: plan.flags, tables: linker.tables, hosts: linker.hosts };
  }

  /** Throws what went wrong, or that the device was lost. */
  async #explain(cause: unknown): Promise<never> {
    // A lost device rejects reads first, and says so a moment later.
    await Promise.resolve();
    throw this.#failure ?? cause;
  }

  #usable(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** An error of the device's since the last `pushErrorScope` is remembered, and thrown by the next run. */
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

interface Prepared {
  run(scalars: Float64Array): void;
  runWaiting(scalars: Float64Array): Promise<void>;
  dispose(): void;
}

interface Linked {
  readonly items: readonly Item[];
  readonly bytes: number;
  readonly flags: number;
  readonly tables: Uint32Array<ArrayBuffer>;
  readonly hosts: number;
}
