/// <reference lib="dom" preserve="true" />
import {
  advice,
  choice,
  type Deferral,
  type Executable,
  isPlain,
  message,
  type Option,
  OptionTypeError,
  optional,
  type Program,
  resolve,
} from '@opt/core';
import { GpuBackend } from './backend.ts';
import { type ProductStorage, requestDevice } from './device.ts';
import type { GpuDevice } from './gpu.ts';
import type { WebGpuBuffer } from './memory.ts';
import { anyTooLarge } from './requests.ts';

/** What every backend can be asked for. */
export interface ProductOptions {
  /**
   * How products of matrices, those of at least 24×16 and 16×24, hold their operands a while they are multiplied: `f32` (default), or
   * `f16`, which takes half of a GPU's workgroup memory. Sums are f32. With n the length of the axis that is summed over,
   * |error of (A·B)ᵢⱼ| ≤ 2⁻⁹·Σₖ|Aᵢₖ·Bₖⱼ| + 2⁻²²·n·max|A|·max|B|: numbers are scaled by powers of two, so none is too large or too small.
   */
  readonly productStorage?: ProductStorage;
}

export interface WebGpuOptions extends ProductOptions {
  /** Which of several GPUs is asked for, `high-performance` (default) or `low-power`. */
  readonly powerPreference?: 'high-performance' | 'low-power';
}

export interface OwnDeviceOptions extends ProductOptions {
  /** A device of yours: it is not destroyed by `dispose`, and tensors of yours on it can be adopted. */
  readonly device: GpuDevice;
}

/**
 * Factorisations too large for the device (eigenproblems above 512, orthonormalisation above 2,048 columns) are read back, without
 * blocking, to the wasm kernels of `@opt/linalg`, and the step waits for them: it returns a promise.
 */
export interface WaitingOptions {
  readonly staleBasis: 'wait';
}

/**
 * The same factorisations are done beside the steps, which return at once and go on with the old basis: a new one is used by the first
 * step that finds it. Which one that is depends on the machine, so a run cannot be repeated bit for bit. For stages that can do without
 * for a while (`Site.later`): SOAP's basis. Elsewhere what is too large is an error, as without the option.
 */
export interface DeferringOptions {
  readonly staleBasis: 'async';
}

/**
 * Compiles programs to fused WGSL; parameters, gradients and state stay on the GPU. With a device it returns at once, without one it
 * asks the platform for one: the browser, or in Node the optional package `webgpu` (Dawn).
 *
 * @throws BackendError where there is no WebGPU, or no adapter · OptionTypeError
 */
export function webgpu(options: OwnDeviceOptions & WaitingOptions): WaitingWebGpuBackend;
export function webgpu(options: OwnDeviceOptions & Partial<DeferringOptions>): WebGpuBackend;
export function webgpu(options: WebGpuOptions & WaitingOptions): Promise<WaitingWebGpuBackend>;
export function webgpu(options?: WebGpuOptions & Partial<DeferringOptions>): Promise<WebGpuBackend>;
export function webgpu(
  options: (WebGpuOptions | OwnDeviceOptions) & Partial<WaitingOptions | DeferringOptions> = {},
): WebGpuBackend | WaitingWebGpuBackend | Promise<WebGpuBackend | WaitingWebGpuBackend> {
  const own = isPlain(options) && 'device' in options;
  const { staleBasis, productStorage, ...where } = resolve('webgpu', options, {
    staleBasis: optional(choice('wait', ['wait', 'async'])),
    productStorage: choice('f32', ['f32', 'f16']),
    ...(own ? { device } : { powerPreference: choice('high-performance', ['high-performance', 'low-power']) }),
  });
  const kind = staleBasis === 'wait' ? WaitingWebGpuBackend : staleBasis === 'async' ? DeferringWebGpuBackend : WebGpuBackend;
  const make = (on: GpuDevice, mine: boolean): WebGpuBackend | WaitingWebGpuBackend => new kind(on, mine, productStorage);
  if ('device' in where) return make(where.device, false);
  return requestDevice(where.powerPreference).then((made) => make(made, true));
}

const device: Option<GpuDevice> = (value, rule, option) => {
  if (!isDevice(value)) throw new OptionTypeError(`${message(rule, option, 'a GpuDevice, or left out', value)}${advice(value)}`);
  return value;
};

const isDevice = (value: unknown): value is GpuDevice =>
  typeof value === 'object' && value !== null && 'createBuffer' in value && 'queue' in value && 'limits' in value;

/** A step is submitted when it returns, and nothing is read: the device itself skips gradients that are not finite. */
export class WebGpuBackend extends GpuBackend<'sync'> {
  readonly run = 'sync';

  compile(program: Program, bind: (key: string) => WebGpuBuffer): Executable<'sync'> {
    const { run, dispose } = this.prepare(program, bind, "webgpu({ staleBasis: 'wait' }) has the host do it in an awaited step");
    return { run, dispose };
  }
}

/** The same, with what is too large for the device done by the host beside the steps, where a stage can do without meanwhile. */
class DeferringWebGpuBackend extends WebGpuBackend {
  readonly deferral: Deferral<WebGpuBuffer> = {
    defers: anyTooLarge,
    compile: (program, bind) => {
      const { runWaiting, dispose } = this.prepare(program, bind);
      return { run: runWaiting, dispose };
    },
  };
}

/** A step is a promise, so that the host may do what is too large for the device, and may look whether gradients are finite. */
export class WaitingWebGpuBackend extends GpuBackend<'async'> {
  readonly run = 'async';

  async compile(program: Program, bind: (key: string) => WebGpuBuffer): Promise<Executable<'async'>> {
    const { runWaiting, dispose } = this.prepare(program, bind);
    // The host computes the scalars of the next step in the same array.
    return { run: (scalars) => runWaiting(scalars.slice()), dispose };
  }
}
