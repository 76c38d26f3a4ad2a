import { createHash } from 'node:crypto';
import type { AnyBackend } from '@opt/backend-contract';
import { createOptimizer, type Rule } from '@opt/core';
import { optimizers } from '../optimizers.ts';
import type { Task, TaskName } from '../task.ts';
import { tasks } from '../tasks.ts';
import { lastCompared, leftOutOf } from './compared-steps.ts';
import { withBasesInFloat32 } from './first-basis.ts';
import { type Roundings, roundingsOf, turnedAt } from './roundings.ts';
import type { Check, RecordedOptimizer, TaskResults } from './task-results.ts';

export interface TaskOutcome {
  /** `settings`, `seed 0`, `adamw`. */
  readonly what: string;
  readonly result: 'passed' | 'failed' | 'left out';
  /** What differs, or why it was not compared. */
  readonly why?: string;
}

const firstLossTolerance = (task: TaskName): number => (task === 'inverse-of-inverse' ? 1e-4 : 1e-5);
const leastTolerance = 1e-4;
/** Optimizers that draw random numbers. */
const drawn: ReadonlySet<string> = new Set(['psgd-kron']);

/**
 * Compares our task with recorded results: settings; for every seed the SHA-256 of parameters and data, the first batch and the first
 * loss; for every optimizer that we have too, at its recorded best rate and seed 0, the training losses of early steps within ten times
 * of what rounding did to the recorded run, at least 1e-4 relative. Where a rounding of the recorded run decides how it goes on, ours is
 * put on its side, see `roundings.ts`.
 */
export async function* replayTask(recorded: TaskResults, makeBackend: () => Promise<AnyBackend>): AsyncGenerator<TaskOutcome> {
  const task = await tasks[recorded.task]();
  yield outcome('settings', settingsOf(task, recorded));
  for (const check of recorded.checks) yield outcome(`seed ${check.seed}`, await checkSeed(task, check));
  for (const [name, optimizer] of Object.entries(recorded.optimizers)) {
    const contender = optimizers.find((one) => one.name === name);
    if (contender === undefined) {
      yield { what: name, result: 'left out', why: 'no optimizer of ours has this name' };
      continue;
    }
    if (drawn.has(name)) {
      yield {
        what: name,
        result: 'left out',
        why: 'its random numbers came from generators that are not ours: the sweep compares its level',
      };
      continue;
    }
    const { steps, because } = leftOutOf(recorded.task, name);
    const backend = await makeBackend();
    const losses = await firstLosses(task, contender.make(optimizer.bestLearningRate), backend, roundingsOf(recorded.task, name));
    backend.dispose();
    yield outcome(name, compareLosses(losses, optimizer, steps));
    for (const step of steps) yield { what: `${name} at step ${step}`, result: 'left out', why: because };
  }
}

const outcome = (what: string, differences: readonly string[]): TaskOutcome =>
  differences.length === 0 ? { what, result: 'passed' } : { what, result: 'failed', why: differences.join('; ') };

const settingsOf = (task: Task, { settings }: TaskResults): string[] =>
  (['steps', 'batchSize', 'smoothingSigma', 'testEvery'] as const).flatMap((name) => differs(name, task[name], settings[name]));

const differs = (what: string, ours: unknown, recorded: unknown): string[] => {
  const [a, b] = [JSON.stringify(ours), JSON.stringify(recorded)];
  return a === b ? [] : [`${what}: ours ${a}, recorded ${b}`];
};

async function checkSeed(task: Task, check: Check): Promise<string[]> {
  const run = await task.start(check.seed);
  const all = Object.entries(run.parameters);
  const { loss } = run.step(Object.fromEntries(all.map(([name, { data }]) => [name, data])));
  const error = Math.abs(loss - check.firstLoss) / Math.abs(check.firstLoss);
  const tolerance = firstLossTolerance(task.name);
  run.dispose();
  return [
    ...(check.parameters === undefined
      ? []
      : differs(
          'parameters',
          all.map(([name, { shape }]) => ({ name, shape })),
          check.parameters,
        )),
    ...differs('SHA-256 of the parameters', sha256(all.map(([, { data }]) => data)), check.parametersSha256),
    ...differs(
      'SHA-256 of the data',
      Object.values(run.data).map((data) => sha256([data])),
      check.dataSha256,
    ),
    ...differs('first batch', Array.from(run.batch.slice(0, check.firstBatchIndices.length)), check.firstBatchIndices),
    ...(error <= tolerance ? [] : [`first loss: ours ${loss}, recorded ${check.firstLoss}`]),
  ];
}

/** Of the bytes of all arrays in a row; recorded are those of little-endian machines. */
function sha256(arrays: readonly (Float32Array | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const { buffer, byteOffset, byteLength } of arrays) hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest('hex');
}

/** Training losses of the first steps, seed 0. */
async function firstLosses(task: Task, transform: Rule, backend: AnyBackend, roundings: Roundings): Promise<number[]> {
  const run = await task.start(0);
  const optimizer = await createOptimizer({ transform, parameters: run.parameters, backend });
  const names = Object.keys(run.parameters);
  const losses: number[] = [];
  for (let step = 1; step <= lastCompared; step++) {
    const values = await Promise.all(names.map(async (name) => [name, (await optimizer.parameters[name]) ?? new Float32Array()] as const));
    const { loss, gradients } = run.step(turnedAt(step, Object.fromEntries(values), roundings));
    losses.push(loss);
    await optimizer.step(gradients);
    if (step === 1 && roundings.basisInFloat32) await optimizer.load(withBasesInFloat32(await optimizer.save()));
  }
  optimizer.dispose();
  run.dispose();
  return losses;
}

/** Where our losses leave the recorded ones, from step 2 on, but for the steps left out. */
function compareLosses(losses: readonly number[], { bestRun, perturbed }: RecordedOptimizer, leftOut: readonly number[]): string[] {
  const moved = new Map(perturbed);
  return bestRun.flatMap(([step, recorded]) => {
    const ours = losses[step - 1];
    if (step < 2 || ours === undefined || leftOut.includes(step)) return [];
    const scale = Math.abs(recorded);
    const byRounding = Math.abs((moved.get(step) ?? recorded) - recorded) / scale;
    const [error, tolerance] = [Math.abs(ours - recorded) / scale, Math.max(leastTolerance, 10 * byRounding)];
    // Written so that NaN fails.
    return error <= tolerance
      ? []
      : [`loss of step ${step}: ours ${ours}, recorded ${recorded}: error ${error.toExponential(2)} above ${tolerance.toExponential(2)}`];
  });
}
