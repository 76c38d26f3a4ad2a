/// <reference lib="dom" preserve="true" />
import { BackendError, type Role, type Shape, size } from '@opt/core';
import type { GpuBuffer, GpuDevice, OwnFloats } from './gpu.ts';
import { mapRead, usage } from './usage.ts';

/** Memory of the caller's: a parameter that is moved where it lies, or a value to copy on the device. */
export interface GpuTensor {
  /** With usage STORAGE to be adopted, COPY_SRC to be read, COPY_DST to be loaded into. */
  readonly buffer: GpuBuffer;
  /** Bytes, a multiple of 4; default 0. */
  readonly offset?: number;
  readonly shape: Shape;
}

/** Buffers are told by what they have: those of Dawn are of another class than a browser's. */
export const isGpuTensor = (value: unknown): value is GpuTensor =>
  typeof value === 'object' &&
  value !== null &&
  'buffer' in value &&
  typeof value.buffer === 'object' &&
  value.buffer !== null &&
  'mapAsync' in value.buffer &&
  'usage' in value.buffer &&
  'shape' in value &&
  Array.isArray(value.shape);

/** A stretch of one GPU buffer that can be bound as a whole. */
export interface Stretch {
  readonly gpu: GpuBuffer;
}

/** A tensor on the device. */
export interface WebGpuBuffer {
  readonly length: number;
  readonly bytes: number;
  /** Bytes from the start of the GPU buffer. */
  readonly offset: number;
  /** The same for all tensors in one GPU buffer. */
  readonly buffer: Stretch;
}

/** Tensors of one role, made one after the other, in one GPU buffer that is allocated when it is first used. */
class Arena implements Stretch {
  readonly role: Role;
  bytes = 0;
  living = 0;
  readonly #first = new Map<number, Float32Array>();
  readonly #allocate: (arena: Arena) => GpuBuffer;
  #gpu: GpuBuffer | undefined;

  constructor(role: Role, allocate: (arena: Arena) => GpuBuffer) {
    this.role = role;
    this.#allocate = allocate;
  }

  get open(): boolean {
    return this.#gpu === undefined;
  }

  /** What is to be in memory at first. */
  fill(offset: number, data: Float32Array): void {
    this.#first.set(offset, data);
  }

  get gpu(): GpuBuffer {
    if (this.#gpu !== undefined) return this.#gpu;
    const buffer = this.#allocate(this);
    const mapped = new Float32Array(buffer.getMappedRange());
    for (const [offset, data] of this.#first) mapped.set(data, offset / 4);
    buffer.unmap();
    this.#first.clear();
    this.#gpu = buffer;
    return buffer;
  }

  /** Gives the memory back; true where there was any. */
  destroy(): boolean {
    this.#gpu?.destroy();
    return this.#gpu !== undefined;
  }
}

interface Placed extends WebGpuBuffer {
  readonly arena: Arena | undefined;
}

/** All tensors of a backend. */
export class DeviceMemory {
  /** Tensors alive, and GPU buffers that hold them. */
  tensors = 0;
  buffers = 0;
  readonly #device: GpuDevice;
  readonly #open = new Map<Role, Arena>();
  #staging: OwnFloats = new Float32Array(0);

  constructor(device: GpuDevice) {
    this.#device = device;
  }

  /** Most bytes of one binding. */
  get chunk(): number {
    const { maxStorageBufferBindingSize, maxBufferSize, minStorageBufferOffsetAlignment } = this.#device.limits;
    return (
      Math.floor(Math.min(maxStorageBufferBindingSize, maxBufferSize) / minStorageBufferOffsetAlignment) * minStorageBufferOffsetAlignment
    );
  }

  create(role: Role, key: string, shape: Shape): WebGpuBuffer {
    const length = size(shape);
    const bytes = 4 * length;
    const alignment = this.#device.limits.minStorageBufferOffsetAlignment;
    if (bytes > this.chunk)
      throw new BackendError(`webgpu: '${key}' has ${bytes} bytes, the device binds at most ${this.chunk} (maxStorageBufferBindingSize)`);
    let arena = this.#open.get(role);
    if (arena === undefined || !arena.open || arena.bytes + bytes > this.chunk) {
      arena = new Arena(role, (full) => {
        this.buffers++;
        const flags = usage.storage | usage.copySource | usage.copyTarget;
        return this.#device.createBuffer({
          label: `opt ${full.role}`,
          size: Math.max(4, full.bytes),
          usage: flags,
          mappedAtCreation: true,
        });
      });
      this.#open.set(role, arena);
    }
    const placed: Placed = { bytes, length, offset: arena.bytes, buffer: arena, arena };
    arena.bytes += Math.ceil(Math.max(1, bytes) / alignment) * alignment;
    arena.living++;
    this.tensors++;
    return placed;
  }

  /** A tensor that lives elsewhere. */
  adopt({ buffer, offset = 0, shape }: GpuTensor): WebGpuBuffer {
    const length = size(shape);
    if (offset % 4 !== 0 || offset + 4 * length > buffer.size)
      throw new BackendError(
        `webgpu: offset must be a multiple of 4 with ${4 * length} bytes behind it, received ${offset} in a buffer of ${buffer.size}`,
      );
    if ((buffer.usage & usage.storage) === 0) throw new BackendError('webgpu: an adopted buffer must have usage STORAGE');
    if (buffer.size > this.chunk)
      throw new BackendError(
        `webgpu: an adopted buffer must have at most ${this.chunk} bytes (maxStorageBufferBindingSize), received ${buffer.size}`,
      );
    this.tensors++;
    const placed: Placed = { bytes: 4 * length, length, offset, buffer: stretchOf(buffer), arena: undefined };
    return placed;
  }

  write(tensor: WebGpuBuffer, data: ArrayLike<number>): void {
    if (data.length !== tensor.length) throw new BackendError(`webgpu: ${tensor.length} numbers are needed, received ${data.length}`);
    const arena = isPlaced(tensor) ? tensor.arena : undefined;
    if (arena?.open === true) arena.fill(tensor.offset, Float32Array.from(data));
    else this.#device.queue.writeBuffer(tensor.buffer.gpu, tensor.offset, this.#singles(data), 0, tensor.length);
  }

  /** On the device. */
  copy(tensor: WebGpuBuffer, { buffer, offset = 0, shape }: GpuTensor): void {
    if (size(shape) !== tensor.length)
      throw new BackendError(`webgpu: a tensor of ${tensor.length} elements is needed, received [${shape}]`);
    const encoder = this.#device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, offset, tensor.buffer.gpu, tensor.offset, tensor.bytes);
    this.#device.queue.submit([encoder.finish()]);
  }

  read({ buffer, offset, bytes }: WebGpuBuffer): Promise<OwnFloats> {
    return readBack(this.#device, buffer.gpu, offset, bytes);
  }

  release(tensor: WebGpuBuffer): void {
    this.tensors--;
    const arena = isPlaced(tensor) ? tensor.arena : undefined;
    if (arena === undefined || --arena.living > 0) return;
    if (this.#open.get(arena.role) === arena) this.#open.delete(arena.role);
    if (arena.destroy()) this.buffers--;
  }

  #singles(data: ArrayLike<number>): OwnFloats {
    if (data instanceof Float32Array && data.buffer instanceof ArrayBuffer)
      return new Float32Array(data.buffer, data.byteOffset, data.length);
    if (this.#staging.length < data.length) this.#staging = new Float32Array(data.length);
    this.#staging.set(data);
    return this.#staging;
  }
}

/** A copy in host memory; the staging buffer lives for this one read. */
export async function readBack(device: GpuDevice, from: GpuBuffer, offset: number, bytes: number): Promise<OwnFloats> {
  const target = device.createBuffer({ size: Math.max(4, bytes), usage: usage.mapRead | usage.copyTarget });
  try {
    const encoder = device.createCommandEncoder();
    if (bytes > 0) encoder.copyBufferToBuffer(from, offset, target, 0, bytes);
    device.queue.submit([encoder.finish()]);
    await target.mapAsync(mapRead);
    return new Float32Array(target.getMappedRange()).slice(0, bytes / 4);
  } finally {
    target.destroy();
  }
}

const isPlaced = (tensor: WebGpuBuffer): tensor is Placed => 'arena' in tensor;

const stretches = new WeakMap<GpuBuffer, Stretch>();

/** Tensors adopted from one buffer share a binding. */
function stretchOf(gpu: GpuBuffer): Stretch {
  const known = stretches.get(gpu) ?? { gpu };
  stretches.set(gpu, known);
  return known;
}
