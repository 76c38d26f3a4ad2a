/// <reference lib="dom" preserve="true" />

/**
 * What a global class makes, as whoever compiles has it: TypeScript 6 and later bring WebGPU's types in their DOM, earlier ones need
 * `@webgpu/types`. With neither, any object will do.
 */
type Made<Class> = Class extends { readonly prototype: infer Instance extends object } ? Instance : object;

/** A `GPUDevice`. */
export type GpuDevice = typeof globalThis extends { readonly GPUDevice: infer Class } ? Made<Class> : object;

/** A `GPUBuffer`. */
export type GpuBuffer = typeof globalThis extends { readonly GPUBuffer: infer Class } ? Made<Class> : object;

/** Numbers in memory of their own: generic in the kind of memory from TypeScript 5.7 on. */
export type OwnFloats = ReturnType<Float32Array['slice']>;
