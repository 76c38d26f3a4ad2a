export type { GpuTensor, WebGpuBuffer } from './memory.ts';
export {
  type DeviceLoss,
  DeviceLostError,
  type OwnDeviceOptions,
  WebGpuBackend,
  type WebGpuCounters,
  type WebGpuOptions,
  webgpu,
} from './webgpu.ts';
