export type { TfjsBuffer } from './buffers.ts';
export { crossEntropy, installSecondOrderGradients } from './objective/second-order-gradients.ts';
export { type Model, type SampleLosses, type TfjsObjective, tfjsObjective } from './objective/tfjs-objective.ts';
export { type DeviceTensor, gpuDevice, submitPending } from './optimizer/device-memory.ts';
export type { DeviceBackend } from './optimizer/device-session.ts';
export type { HostBackend } from './optimizer/host-session.ts';
export type { TfjsOptimizerOptions, TransformOptimizer } from './optimizer/transform-optimizer.ts';
export { type SharedVariable, shared, type TfjsBackend, type TfjsNative, tfjs, tfjsAsync, tfjsDevice } from './tfjs.ts';
export { toTfjsOptimizer } from './to-tfjs-optimizer.ts';
