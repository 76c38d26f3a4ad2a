export { WasmBackend, type WasmBuffer, type WasmOptions, wasm } from './backend.ts';
