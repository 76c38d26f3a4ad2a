export { OnnxBackend, onnx } from './backend.ts';
export type { OnnxEngine, OnnxSession } from './engine.ts';
export { type ExportOptions, exportOnnx } from './export-onnx.ts';
export type { OnnxOptions } from './options.ts';
export { NoOperatorError } from './whole/no-operator-error.ts';
export { WorkerBackend, type WorkerBuffer } from './worker/worker-backend.ts';
