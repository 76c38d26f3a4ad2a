import { reference } from '@opt/backend-reference';
import { wasm } from '@opt/backend-wasm';
import type { Backend } from '@opt/core';

/** What can run the optimizers. `steps`: as many as all optimizers together take in about a minute, unless the user says otherwise. */
export interface RaceBackend {
  readonly name: string;
  readonly steps: number;
  make(): Backend | Promise<Backend>;
}

/** By the name of `--backend`, one line each; the first is the default. */
export const backends: readonly [RaceBackend, ...RaceBackend[]] = [
  { name: 'wasm', steps: 1000, make: () => wasm() },
  { name: 'onnx', steps: 1000, make: async () => (await import('@opt/backend-onnx')).onnx() },
  { name: 'reference', steps: 80, make: () => reference({ precision: 'f32' }) },
  { name: 'reference-f64', steps: 80, make: () => reference({ precision: 'f64' }) },
];
