import { linearAlgebra, WasmBackend, type WasmBuffer } from '@opt/backend-wasm';
import { type Program, trace } from '@opt/core';
import type { OnnxEngine } from '../engine.ts';
import type { Settings } from '../options.ts';
import { Sessions } from '../sessions.ts';
import { Contractions } from './contractions.ts';

const measured = new WeakMap<OnnxEngine, Map<string, Promise<number>>>();

/** The threshold of an engine in this process for given threads, measured when it is first asked for. */
export function measuredThreshold(engine: OnnxEngine, settings: Settings): Promise<number> {
  const { threads, spinning, executionProviders } = settings;
  const key = JSON.stringify({ threads, spinning, executionProviders });
  const own = measured.get(engine) ?? new Map<string, Promise<number>>();
  measured.set(engine, own);
  const known = own.get(key) ?? measure(engine, settings);
  own.set(key, known);
  return known;
}

const sizes = [24, 32, 48, 64, 96, 128, 192, 256] as const;

/** Where nothing is gained anywhere, what no cache holds is still handed over. */
const fallback = 512 ** 3;

/** Multiply-adds of the smallest square product that ONNX Runtime computes faster, the call included. Tens of milliseconds of work. */
async function measure(engine: OnnxEngine, settings: Settings): Promise<number> {
  const backend = new WasmBackend(2 ** 26, linearAlgebra());
  const contractions = new Contractions(backend, engine, new Sessions(engine, settings));
  for (const n of sizes) {
    const time = (threshold: number): Promise<number> => timed(backend, contractions, productsOf(n), threshold);
    const [own, theirs] = [await time(Number.POSITIVE_INFINITY), await time(0)];
    if (theirs < own) return n ** 3;
  }
  return fallback;
}

/** As many products, independent of each other, as a small model hands over at once. */
const names = ['a', 'b', 'c', 'd'] as const;

const productsOf = (n: number): Program =>
  trace(
    Object.fromEntries(names.map((name) => [name, [n, n]])),
    (inputs) => Object.fromEntries(Object.entries(inputs).map(([name, x]) => [`${name}${name}`, x.matmul(x)])),
    `products of ${n}`,
  );

/** Milliseconds a run takes at best. */
async function timed(backend: WasmBackend, contractions: Contractions, program: Program, threshold: number): Promise<number> {
  const buffers = new Map<string, WasmBuffer>();
  const bind = (key: string): WasmBuffer => {
    const { shape = [] } = [...program.inputs, ...program.outputs].find((one) => one.key === key) ?? {};
    const buffer = buffers.get(key) ?? backend.create('output', key, shape, 'working');
    buffers.set(key, buffer);
    return buffer;
  };
  const executable = await contractions.compile(program, bind, threshold);
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 9; round++) {
    const start = performance.now();
    await executable.run();
    least = Math.min(least, performance.now() - start);
  }
  executable.dispose();
  for (const buffer of buffers.values()) backend.release(buffer);
  return least;
}
