import { wasm } from '@opt/backend-wasm';
import { cosine, createOptimizer, mapValues, type Scalar, size, type Transform } from '@opt/core';
import { type Codec, createWorker, diloco, memoryMailbox } from '@opt/local-sgd';
import { type Judged, judge } from '../tasks/judge.ts';
import type { LossAndGradients, Task, TaskRun, Values } from '../tasks/task.ts';

/** A run of a team, or of one worker with everybody's samples. */
export interface Setup {
  readonly workers: number;
  /** Inner steps of each worker, the learning rate going down a cosine to 0. */
  readonly steps: number;
  /** Samples of a step of one worker. */
  readonly batch: number;
  readonly learningRate: number;
  readonly make: (learningRate: Scalar) => Transform;
  readonly seed: number;
}

/** Steps after which the test set is looked at. */
const testEvery = 20;

export interface Outer {
  /** H. */
  readonly every: number;
  readonly learningRate: number;
  readonly momentum: number;
  readonly codec: Codec;
}

export interface Outcome extends Judged {
  /** The smallest of the test losses on the way, every `testEvery` steps. */
  readonly bestTest: number;
  readonly parameters: number;
  /** Bytes posted by a worker, envelopes included; 0 of one alone. */
  readonly sent: number;
  readonly turns: number;
  /** Whether all replicas had the same SHA-256 after every turn. */
  readonly alike: boolean;
}

/** Far from the seeds of weights, and of each other. */
const batchSeed = (seed: number, worker: number): number => 1_000_003 + 7919 * seed + 101 * worker;

const read = (from: Readonly<Record<string, unknown>>, names: readonly string[]): Values =>
  Object.fromEntries(
    names.map((name) => {
      const value = from[name];
      if (!(value instanceof Float32Array)) throw new Error(`parameter '${name}' is not in f32`);
      return [name, value] as const;
    }),
  );

/** The mean of what several batches give. */
function mean(derived: readonly LossAndGradients[]): LossAndGradients {
  const [first, ...others] = derived;
  if (first === undefined) throw new Error('a step needs a batch');
  const share = 1 / derived.length;
  const gradients = mapValues(first.gradients, (own, name) =>
    own.map((g, i) => others.reduce((sum, other) => sum + share * (other.gradients[name]?.[i] ?? 0), share * g)),
  );
  return { loss: others.reduce((sum, { loss }) => sum + share * loss, share * first.loss), gradients };
}

/** The yardstick: one optimizer that takes as many steps, each along the mean of the gradients of everybody's batches. */
export async function alone(task: Task, { workers, steps, batch, learningRate, make, seed }: Setup): Promise<Outcome> {
  const { parameters } = await task.start(seed);
  const names = Object.keys(parameters);
  const runs = await Promise.all(Array.from({ length: workers }, (_, k) => task.start(batchSeed(seed, k), batch)));
  const optimizer = createOptimizer({ transform: make(cosine({ from: learningRate, steps })), parameters, backend: wasm() });
  const tests: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const now = read(optimizer.parameters, names);
    optimizer.step(mean(runs.map((run) => run.step(now))).gradients);
    if (step % testEvery === 0) tests.push(runs[0]?.test?.(read(optimizer.parameters, names)).loss ?? Number.NaN);
  }
  const judged = await judge(task, read(optimizer.parameters, names));
  optimizer.dispose();
  for (const run of runs) run.dispose();
  return { ...judged, bestTest: Math.min(...tests), parameters: sizeOf(parameters), sent: 0, turns: 0, alike: true };
}

const sizeOf = (parameters: TaskRun['parameters']): number => Object.values(parameters).reduce((sum, { shape }) => sum + size(shape), 0);

/** Workers around a mailbox in this process. */
export async function together(task: Task, setup: Setup, outer: Outer): Promise<Outcome> {
  const { workers: count, steps, batch, learningRate, make, seed } = setup;
  const { parameters } = await task.start(seed);
  const names = Object.keys(parameters);
  const mailbox = memoryMailbox();
  const workers = await Promise.all(
    Array.from({ length: count }, async (_, k) => ({
      run: await task.start(batchSeed(seed, k), batch),
      worker: await createWorker({
        transform: make(cosine({ from: learningRate, steps })),
        parameters,
        backend: wasm(),
        mailbox,
        run: 'simulation',
        worker: `w${k}`,
        workers: count,
        syncEvery: outer.every,
        outer: diloco({ outerLearningRate: outer.learningRate, outerMomentum: outer.momentum }),
        codec: outer.codec,
      }),
    })),
  );
  let alike = true;
  const tests: number[] = [];
  const [first] = workers;
  if (first === undefined) throw new Error('a team has workers');
  for (let step = 1; step <= steps; step++) {
    const derived: LossAndGradients[] = workers.map(({ run, worker }) => run.step(read(worker.parameters, names)));
    await Promise.all(workers.map(({ worker, run }, k) => worker.step(derived[k]?.gradients ?? {}, run.batch.length)));
    if (step % outer.every === 0) alike &&= new Set(await Promise.all(workers.map(({ worker }) => worker.digest()))).size === 1;
    if (step % testEvery === 0) tests.push(first.run.test?.(read(await first.worker.anchors(), names)).loss ?? Number.NaN);
  }
  const judged = await judge(task, read(await first.worker.anchors(), names));
  const outcome = {
    ...judged,
    bestTest: Math.min(...tests),
    parameters: sizeOf(parameters),
    sent: first.worker.tally.sent,
    turns: first.worker.turn,
    alike,
  };
  for (const { run, worker } of workers) {
    worker.dispose();
    run.dispose();
  }
  return outcome;
}
