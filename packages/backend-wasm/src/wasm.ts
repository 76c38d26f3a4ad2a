import { flag, integer, resolve } from '@opt/core';
import { fmaSupported, instantiateKernels } from '@opt/linalg';
import { type KernelSource, memoryOption, WasmBackend } from './backend.ts';
import type { Beginning } from './threads/begin.ts';

export interface WasmOptions {
  /** Most bytes of linear memory, at least 1 MiB, at most 4 GiB (default). */
  readonly maxMemory?: number;
  /**
   * Whether products and factorisations use fused multiply-add where the engine has it, default true. False: the same bits from
   * WebAssembly in every engine; large products take 1.15 times as long.
   */
  readonly fma?: boolean;
}

export interface ThreadedOptions extends WasmOptions {
  /**
   * How many threads compute, this one among them, an integer of at least 1. The bits are those of one thread. In a page that is not
   * cross-origin isolated there is one, and a line in the log says so.
   */
  readonly threads: number;
}

/** The kernels of `@opt/linalg`. `fma`: whether fused multiply-add may be used. */
export function linearAlgebra(fma = true): KernelSource {
  const fused = fma && fmaSupported();
  return { fma: fused, instantiate: (memory) => instantiateKernels(memory, fused) };
}

/**
 * Compiles every program to one WebAssembly SIMD module. Parameters, state and gradients live in one linear memory; what is read are
 * views of it, and a gradient written into its view is not copied.
 *
 * With `threads` it is a promise: the workers have begun when it is fulfilled.
 *
 * @throws OptionRangeError · OptionTypeError
 */
export function wasm(options: ThreadedOptions): Promise<WasmBackend>;
export function wasm(options?: WasmOptions & { readonly threads?: never }): WasmBackend;
export function wasm(options: WasmOptions & { readonly threads?: number } = {}): WasmBackend | Promise<WasmBackend> {
  const { maxMemory, fma, threads } = resolve('wasm', options, { maxMemory: memoryOption, fma: flag(true), threads: integer(1) });
  if (options.threads === undefined) return new WasmBackend(maxMemory, linearAlgebra(fma));
  return threaded(maxMemory, fma, threads);
}

/** A backend of several threads; of one where there can be no more. `beginning` is what tests set otherwise. */
export async function threaded(maxMemory: number, fma: boolean, threads: number, beginning?: Beginning): Promise<WasmBackend> {
  const kernels = linearAlgebra(fma);
  if (threads === 1) return new WasmBackend(maxMemory, kernels);
  const { begin } = await import('./threads/begin.ts');
  return new WasmBackend(maxMemory, kernels, await begin(maxMemory, kernels.fma, threads, beginning));
}
