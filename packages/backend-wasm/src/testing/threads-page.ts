/// <reference lib="dom" />
import { createOptimizer } from '@opt/core';
import { soap } from '@opt/soap';
import type { WasmBackend } from '../backend.ts';
import { threaded, wasm } from '../wasm.ts';
import { finest } from './finest.ts';
import { noise } from './noise.ts';

/** What the browser test reads. */
export interface ThreadsResult {
  readonly isolated: boolean;
  readonly threads: number;
  /** Runs on several threads. */
  readonly runs: number;
  /** Lines in the log. */
  readonly said: readonly string[];
  readonly one: readonly number[];
  readonly several: readonly number[];
}

declare global {
  var threadsResult: Promise<ThreadsResult>;
}

function train(backend: WasmBackend): number[] {
  const parameters = { w: { shape: [40, 30], data: noise(1200) }, b: { shape: [30], data: noise(30) } };
  const optimizer = createOptimizer({ transform: soap(), parameters, backend });
  for (let i = 0; i < 25; i++) optimizer.step({ w: noise(1200, i + 2), b: noise(30, i + 2) });
  const { w, b } = optimizer.parameters;
  const result = [...w, ...b];
  optimizer.dispose();
  return result;
}

async function result(): Promise<ThreadsResult> {
  const said: string[] = [];
  console.warn = (line: string) => void said.push(line);
  const backend = await threaded(2 ** 28, true, 2, { grain: finest });
  const [one, several] = [train(wasm()), train(backend)];
  const { threads, sharedRuns: runs } = backend;
  backend.dispose();
  return { isolated: crossOriginIsolated, threads, runs, said, one, several };
}

globalThis.threadsResult = result();
