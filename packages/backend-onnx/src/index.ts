export { OnnxBackend, onnx } from './backend.ts';
export type { OnnxEngine, OnnxSession } from './engine.ts';
export type { OnnxOptions } from './options.ts';
