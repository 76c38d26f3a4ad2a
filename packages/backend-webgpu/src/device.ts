/// <reference lib="dom" preserve="true" />
import { BackendError } from '@opt/core';
import type { GpuDevice } from './gpu.ts';
import type { Abilities } from './plan/abilities.ts';

/** Features that are used where a device has them. */
const wanted: readonly GPUFeatureName[] = ['timestamp-query', 'subgroups', 'shader-f16'];

/** How products of matrices hold their operands in workgroup memory. */
export type ProductStorage = 'f32' | 'f16';

/**
 * What shaders may use on a device. NVIDIA's exchange numbers between invocations at the rate at which they read workgroup memory,
 * one number at a time: there, quads have nothing to gain.
 */
export function abilitiesOf(device: GpuDevice, productStorage: ProductStorage = 'f32'): Abilities {
  const subgroups = device.features.has('subgroups');
  // Not every browser says on a device what it said of the adapter.
  const vendor = 'adapterInfo' in device ? device.adapterInfo.vendor : '';
  const halves = device.features.has('shader-f16') ? 'f16' : 'packed';
  return { subgroups, quads: subgroups && vendor !== 'nvidia', tiles: productStorage === 'f16' ? halves : 'f32' };
}

/** Dawn, made once and never let go: it handles what its devices still wait for by a pointer that does not keep it alive. */
let dawn: GPU | undefined;

/** The browser's WebGPU, or that of the package `webgpu` (Dawn) where there is no browser. */
async function gpu(): Promise<GPU> {
  const own = 'navigator' in globalThis ? globalThis.navigator.gpu : undefined;
  if (own !== undefined) return own;
  try {
    const { create } = await import('webgpu');
    dawn ??= create([]);
    return dawn;
  } catch (cause) {
    throw new BackendError(
      'webgpu: there is no navigator.gpu; in Node, install the package `webgpu` (Dawn), or give a device: webgpu({ device })',
      { cause },
    );
  }
}

/** A device of the platform's with the highest limits its adapter has. */
export async function requestDevice(powerPreference: 'high-performance' | 'low-power'): Promise<GpuDevice> {
  const adapter = await (await gpu()).requestAdapter({ powerPreference });
  if (adapter === null) throw new BackendError('webgpu: no adapter was found; there is no GPU here that WebGPU can use');
  const { limits } = adapter;
  return adapter.requestDevice({
    requiredFeatures: wanted.filter((feature) => adapter.features.has(feature)),
    requiredLimits: {
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxBufferSize: limits.maxBufferSize,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
    },
  });
}
