import { reference } from '@opt/backend-reference';
import { type Backend, createOptimizer, type Floats, mapValues, type Transform } from '@opt/core';
import { constraintError, type ManifoldRule } from '@opt/geometric';
import { fill, type Mnist, shuffled } from './data.ts';
import { initialWeights } from './initial-weights.ts';
import { gradientsOf, hitsOf, layers, type Runner, runner, turnedGradientsOf, type Weights } from './network.ts';
import type { Row } from './rows.ts';
import { runTurned, type Turn } from './turns.ts';

export const batchSize = 256;
const testBatch = 500;

/** What one row of the table did. */
export interface Run {
  /** Losses of the first 20 batches, each before its update. */
  readonly firstLosses: readonly number[];
  readonly epochs: readonly { readonly trainLoss: number; readonly testAccuracy: number }[];
  /** How far the weights are off their manifold at the end; of a rule that has one. */
  readonly constraintError: number | undefined;
  readonly seconds: number;
}

interface TrainOptions {
  /** Inputs of ReLUs to turn to the other side of 0 on the way. */
  readonly turns?: readonly Turn[];
  readonly epochDone?: (epoch: number, trainLoss: number, testAccuracy: number) => void;
}

/** Trains one row from the recorded weights over the recorded shuffles. */
export function train<B>(
  row: Row,
  data: Mnist,
  epochs: number,
  backend: Backend<'sync', 'sync', never, B>,
  { turns = [], epochDone }: TrainOptions = {},
): Run {
  const started = performance.now();
  const drawn = initialWeights(layers);
  const initial = mapValues(layers, (_, name) => drawn[name] ?? new Float32Array(0));
  row.afterStep?.(0, initial);
  const parameters = mapValues(layers, ({ shape }, name) => ({ shape, data: initial[name] }));
  const transform = row.make();
  const optimizer = createOptimizer({ transform, parameters, backend });
  const runners = new Map<string, Runner>();
  const batchOf = (count: number, f: typeof gradientsOf | typeof turnedGradientsOf): Runner => {
    const key = `${f.name} ${count}`;
    const made = runners.get(key) ?? runner(backend, count, f);
    runners.set(key, made);
    return made;
  };
  const evaluation = runner(backend, testBatch, hitsOf);
  const firstLosses: number[] = [];
  const results: { trainLoss: number; testAccuracy: number }[] = [];
  let step = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = shuffled(data.train.count, epoch);
    let [sum, batches] = [0, 0];
    for (let start = 0; start < order.length; start += batchSize) {
      const chosen = order.subarray(start, start + batchSize);
      step++;
      const turned = turns.filter((turn) => turn.step === step);
      const batch = batchOf(chosen.length, turned.length > 0 ? turnedGradientsOf : gradientsOf);
      fill(data.train, chosen, batch);
      const weights = optimizer.parameters;
      const { loss, ...gradients } = turned.length > 0 ? runTurned(batch, weights, turned) : batch.run(weights);
      const value = loss?.[0] ?? Number.NaN;
      if (firstLosses.length < 20) firstLosses.push(value);
      sum += value;
      batches++;
      optimizer.step(Object.fromEntries(Object.entries(gradients).filter(([name]) => !row.frozen.includes(name))));
      row.afterStep?.(step, optimizer.parameters);
    }
    const testAccuracy = accuracy(data.test, evaluation, optimizer.parameters);
    results.push({ trainLoss: sum / batches, testAccuracy });
    epochDone?.(epoch + 1, sum / batches, testAccuracy);
  }
  const offManifold = farthest(transform, optimizer.parameters);
  optimizer.dispose();
  return { firstLosses, epochs: results, constraintError: offManifold, seconds: (performance.now() - started) / 1000 };
}

/** The largest constraint error of the weights that a rule keeps on its manifold, in f64. */
function farthest(transform: Transform | ManifoldRule, weights: Weights): number | undefined {
  if (!('manifold' in transform)) return undefined;
  const errors = mapValues(layers, ({ shape }, name) =>
    transform.constrains(name, shape) ? constraintError(transform.manifold, shape, reference())(weights[name]) : 0,
  );
  return Math.max(...Object.values(errors));
}

/** Percent of images recognised. */
function accuracy(images: Mnist['test'], evaluation: ReturnType<typeof runner>, weights: Weights): number {
  let hits = 0;
  for (let start = 0; start < images.count; start += testBatch) {
    const chosen = Array.from({ length: testBatch }, (_, i) => start + i);
    fill(images, chosen, evaluation);
    const counted: Floats | undefined = evaluation.run(weights)['hits'];
    hits += counted?.[0] ?? Number.NaN;
  }
  return (100 * hits) / images.count;
}
