/// <reference lib="dom" preserve="true" />
import { BackendError, type Shape } from '@opt/core';
import { backend, clone, getBackend, keep, mul, type Tensor, tidy, type Variable } from '@tensorflow/tfjs-core';

/** A tensor in GPU memory, from the start of a buffer. */
export interface DeviceTensor {
  readonly buffer: GPUBuffer;
  readonly shape: Shape;
}

/** What tfjs-backend-webgpu 4.22 shows of itself. */
interface Device {
  readonly device: GPUDevice;
  readonly tensorMap: { get(dataId: object): { resource?: GPUBuffer | GPUTexture | GPUExternalTexture; values: unknown } };
  refCount(dataId: object): number;
  uploadToGPU(dataId: object): void;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

const isDevice = (value: object): value is Device =>
  'device' in value && 'tensorMap' in value && 'uploadToGPU' in value && 'submitQueue' in value;

function current(): Device {
  const found: object = backend();
  if (!isDevice(found))
    throw new BackendError(`toTfjsOptimizer: 'compute' is on a GPU, tfjs must be on webgpu, received '${getBackend()}'`);
  return found;
}

/**
 * The GPUDevice on which tfjs-backend-webgpu runs, after `await tf.ready()`: for backends that are to share it.
 *
 * @throws BackendError where tfjs is on another backend
 */
export const gpuDevice = (): GPUDevice => current().device;

/** Everything tfjs has been asked for so far is in the queue of the device, before what is submitted from now on. */
export function submitPending(): void {
  const device = current();
  device.ensureCommandEncoderReady();
  device.endComputePassEncoder();
  device.submitQueue();
}

/** Where a tensor lies; it is brought there first if tfjs has it in host memory only. */
export function onDevice(tensor: Tensor): DeviceTensor {
  const device = current();
  device.uploadToGPU(tensor.dataId);
  const { resource } = device.tensorMap.get(tensor.dataId);
  if (tensor.dtype !== 'float32' || !(resource instanceof GPUBuffer))
    throw new BackendError(`toTfjsOptimizer: a tensor of '${tensor.dtype}' that is no buffer of numbers cannot be used on the GPU`);
  return { buffer: resource, shape: tensor.shape };
}

/**
 * A variable and the GPU buffer in which it is moved. Nothing else may see that buffer change, and nothing else may get it: this holds
 * the data alive beside the variable, gives others that share it a copy, and brings the variable back when it was assigned to.
 */
export class DeviceVariable {
  readonly variable: Variable;
  readonly tensor: DeviceTensor;
  /** Shares the variable's data. */
  private held: Tensor;

  constructor(variable: Variable) {
    this.variable = variable;
    this.tensor = onDevice(variable);
    this.held = tidy(() => keep(clone(variable)));
    this.part();
  }

  /** Whether somebody has assigned to the variable, which so has left its buffer. */
  get assigned(): boolean {
    return this.variable.dataId !== this.held.dataId;
  }

  /** The variable, assigned to from outside, is again what lies in the buffer, with the value it was given. */
  copyBack(encoder: GPUCommandEncoder): void {
    const { buffer } = onDevice(this.variable);
    encoder.copyBufferToBuffer(buffer, 0, this.tensor.buffer, 0, 4 * this.variable.size);
  }

  /** After `copyBack` was submitted. */
  rejoin(): void {
    this.variable.assign(this.held);
  }

  /** Others that share the data (clones, reshaped views) keep what it holds now, in a buffer of their own. */
  part(): void {
    const device = current();
    const { dataId } = this.held;
    // The variable and this.
    if (device.refCount(dataId) <= (this.assigned ? 1 : 2)) return;
    const copy = tidy(() => keep(mul(this.held, 1)));
    const [theirs, ours] = [device.tensorMap.get(dataId), device.tensorMap.get(copy.dataId)];
    const { buffer } = onDevice(copy);
    ours.resource = this.tensor.buffer;
    theirs.resource = buffer;
    const { assigned } = this;
    this.held.dispose();
    this.held = copy;
    if (!assigned) this.variable.assign(copy);
  }

  /** The variable takes its value elsewhere. */
  leave(): void {
    tidy(() => this.variable.assign(mul(this.held, 1)));
  }

  /** After the buffer was moved: numbers that tfjs has read before are no longer its value. */
  moved(): void {
    current().tensorMap.get(this.held.dataId).values = null;
  }

  dispose(): void {
    this.held.dispose();
  }
}
