export type { TfjsBuffer } from './buffers.ts';
export {
  type EvaluatedModel,
  type FitCallback,
  type LogMetricsOptions,
  type Logs,
  logMetrics,
  type ValidateOptions,
  validate,
} from './callbacks.ts';
export { crossEntropy, installSecondOrderGradients } from './objective/second-order-gradients.ts';
export { type Model, type SampleLosses, type TfjsObjective, tfjsObjective } from './objective/tfjs-objective.ts';
export { type DeviceTensor, gpuDevice, submitPending } from './optimizer/device-memory.ts';
export type { DeviceBackend } from './optimizer/device-session.ts';
export type { HostBackend } from './optimizer/host-session.ts';
export type { LayerOfModel, LayersOfModel } from './optimizer/layer-roles.ts';
export type { Compute, TfjsOptimizerOptions } from './optimizer/options.ts';
export type { TransformOptimizer } from './optimizer/transform-optimizer.ts';
export { type SharedVariable, shared, type TfjsBackend, type TfjsNative, tfjs, tfjsAsync, tfjsDevice } from './tfjs.ts';
export { toTfjsOptimizer } from './to-tfjs-optimizer.ts';
