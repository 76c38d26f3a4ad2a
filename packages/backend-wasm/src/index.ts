export { type PartialExecutable, WasmBackend, type WasmBuffer, type WasmOptions, wasm } from './backend.ts';
export type { Operand, Place, Product } from './plan/products.ts';
export type { Handing, ProductSignature } from './plan/turns.ts';
