export type { TfjsBuffer } from './buffers.ts';
export type { HostBackend } from './optimizer/host-session.ts';
export type { TfjsOptimizerOptions, TransformOptimizer } from './optimizer/transform-optimizer.ts';
export { type SharedVariable, shared, type TfjsBackend, type TfjsNative, tfjs, tfjsAsync, tfjsDevice } from './tfjs.ts';
export { toTfjsOptimizer } from './to-tfjs-optimizer.ts';
