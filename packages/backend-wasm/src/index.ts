export {
  memoryOption,
  type PartialExecutable,
  type ThreadedOptions,
  WasmBackend,
  type WasmBuffer,
  type WasmOptions,
  wasm,
} from './backend.ts';
export type { Handing } from './plan/handed.ts';
export { type HandingOptions, handing, type ProductSignature } from './plan/handing.ts';
export type { Operand, Place, Product } from './plan/products.ts';
