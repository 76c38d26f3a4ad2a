/// <reference lib="dom" preserve="true" />
import { softwareAdapter } from '@opt/backend-contract/software-adapter';
import { MissingPeer } from '../contender.ts';

export interface Gpu {
  readonly gpu: GPU;
  readonly adapter: GPUAdapter;
  /** Vendor, architecture, name. */
  readonly title: string;
  /** It computes on the processor: its times say nothing about a GPU's. */
  readonly software: boolean;
}

let opened: Promise<Gpu> | undefined;

/** This machine's GPU through Dawn, or a software adapter where it has none; also as `navigator.gpu`. @throws MissingPeer */
export function openGpu(): Promise<Gpu> {
  opened ??= open();
  return opened;
}

async function open(): Promise<Gpu> {
  softwareAdapter();
  const { create, globals } = await import('webgpu');
  // Timestamps to the nanosecond.
  const gpu: GPU = create(['disable-dawn-features=timestamp_quantization']);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) throw new MissingPeer('no WebGPU adapter, not in software either');
  Object.assign(globalThis, globals);
  // tfjs and jax-js look for it there; Node 20 has no navigator.
  Object.defineProperty(globalThis, 'navigator', { value: { gpu, hardwareConcurrency: 1, userAgent: 'node' }, configurable: true });
  const { vendor, architecture, device, description } = adapter.info;
  const title = [vendor, architecture, device, description].filter((part) => part !== '').join(' ');
  return { gpu, adapter, title, software: /swiftshader|llvmpipe|lavapipe/i.test(title) };
}

const wanted: readonly GPUFeatureName[] = ['timestamp-query', 'subgroups', 'shader-f16'];

/** A device with timestamps, the highest limits there are, and all that shaders may use, but `without`. @throws MissingPeer */
export async function timedDevice(without?: GPUFeatureName): Promise<GPUDevice> {
  const { gpu } = await openGpu();
  // An adapter gives one device only.
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null || !adapter.features.has('timestamp-query')) throw new MissingPeer('the adapter has no timestamps');
  const { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage } = adapter.limits;
  return adapter.requestDevice({
    requiredFeatures: wanted.filter((feature) => feature !== without && adapter.features.has(feature)),
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage },
  });
}
