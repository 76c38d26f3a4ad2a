export { type DeviceLoss, DeviceLostError, GpuBackend, type WebGpuCounters } from './backend.ts';
export type { ProductStorage } from './device.ts';
export type { GpuTensor, WebGpuBuffer } from './memory.ts';
export {
  type DeferringOptions,
  type OwnDeviceOptions,
  type ProductOptions,
  type WaitingOptions,
  WaitingWebGpuBackend,
  WebGpuBackend,
  type WebGpuOptions,
  webgpu,
} from './webgpu.ts';
