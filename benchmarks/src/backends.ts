import type { Backend, Mode } from '@opt/core';
import { openGpu } from './bench/gpu/adapter.ts';

export type AnyBackend = Backend<Mode, Mode, never, unknown>;

/** Every backend a command line can name; loaded only when it is asked for. */
const makers: Readonly<Record<string, () => Promise<AnyBackend>>> = {
  reference: async () => (await import('@opt/backend-reference')).reference({ precision: 'f64' }),
  'reference-f32': async () => (await import('@opt/backend-reference')).reference({ precision: 'f32' }),
  'tfjs-cpu': () => onTfjs('cpu', () => import('@tensorflow/tfjs-backend-cpu')),
  'tfjs-wasm': () => onTfjs('wasm', () => import('@tensorflow/tfjs-backend-wasm')),
  'jax-js': async () => (await import('@opt/backend-jax-js')).jaxJs(),
  onnx: async () => (await import('@opt/backend-onnx')).onnx(),
  wasm: async () => (await import('@opt/backend-wasm')).wasm(),
  'wasm-threads': async () => (await import('@opt/backend-wasm')).wasm({ threads: 2 }),
  webgpu: async () => {
    await openGpu();
    return (await import('@opt/backend-webgpu')).webgpu();
  },
};

async function onTfjs(name: string, engine: () => Promise<unknown>): Promise<AnyBackend> {
  const { ready, setBackend } = await import('@tensorflow/tfjs-core');
  await engine();
  await setBackend(name);
  await ready();
  return (await import('@opt/backend-tfjs')).tfjs();
}

export const backendNames: readonly string[] = Object.keys(makers);

/** How to make backends of this name, or undefined. */
export const backendMaker = (name: string): (() => Promise<AnyBackend>) | undefined => makers[name];
