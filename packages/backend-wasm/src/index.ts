export { type KernelSource, memoryOption, type PartialExecutable, WasmBackend, type WasmBuffer } from './backend.ts';
export type { Handing } from './plan/handed.ts';
export { type HandingOptions, handing, type ProductSignature } from './plan/handing.ts';
export type { Operand, Place, Product } from './plan/products.ts';
export { linearAlgebra, type ThreadedOptions, type WasmOptions, wasm } from './wasm.ts';
