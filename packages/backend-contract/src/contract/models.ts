import { createOptimizer, type LoadReport, type Optimizer, record, type Transform } from '@opt/core';
import type { AnyBackend } from '../families/family.ts';
import { type Input, input } from './harness.ts';

/** Parameters by name, with their values at the start. */
export type Model = Readonly<Record<string, Input>>;
export type AnyOptimizer = Optimizer;

/** Every shape at once: scalars, single rows and columns, rank 4, lengths that are no multiple of 4. */
export const oddModel: Model = {
  scalar: input([], 1),
  one: input([1], 2),
  vector: input([7], 3),
  row: input([1, 5], 4),
  column: input([6, 1], 5),
  square: input([4, 4], 6),
  tall: input([5, 3], 7),
  kernel: input([2, 3, 1, 2], 8),
};

/** Small and well posed for every optimizer: what comparisons across precisions need. */
export const smallModel: Model = { w: input([3, 3], 1), b: input([3], 2), s: input([], 3) };

/** What `load` reports of a file that the same optimizer saved. */
export const everythingFitted: LoadReport = { missing: [], surplus: [], fresh: [], converted: [], hyperparameters: [] };

/** Noise around a quadratic: never the same gradient twice, nothing degenerate. */
export function gradientsAt(model: Model, step: number): Record<string, number[]> {
  return Object.fromEntries(
    Object.entries(model).map(([name, { shape }], i) => [name, input(shape, 1000 * (step + 1) + i, (x) => 0.5 * x).data.slice()]),
  );
}

export async function optimizerOn(backend: AnyBackend, transform: Transform, model: Model, seed = 0): Promise<AnyOptimizer> {
  return createOptimizer({ transform, parameters: model, backend, seed });
}

/** Parameters and state, copied. */
export async function snapshot(optimizer: AnyOptimizer): Promise<Record<string, Float64Array>> {
  const result = record<Float64Array>();
  for (const name of Object.keys(optimizer.parameters)) result[name] = Float64Array.from((await optimizer.parameters[name]) ?? []);
  for (const key of Object.keys(optimizer.state)) result[key] = Float64Array.from((await optimizer.state[key]) ?? []);
  return result;
}

/** Steps `from` to `to` (excluded), with the gradients that belong to them. */
export async function train(optimizer: AnyOptimizer, model: Model, from: number, to: number): Promise<void> {
  for (let step = from; step < to; step++) await optimizer.step(gradientsAt(model, step));
}

/** Runs `f` on a fresh optimizer and frees it, however it ends. */
export async function withOptimizer<T>(
  optimizer: AnyOptimizer | Promise<AnyOptimizer>,
  f: (optimizer: AnyOptimizer) => Promise<T>,
): Promise<T> {
  const made = await optimizer;
  try {
    return await f(made);
  } finally {
    made.dispose();
  }
}
