import { setImmediate } from 'node:timers/promises';
import { createOptimizer, type Floats, type MaybePromise, mapValues, type Narrowed, type Objective, type Rule, required } from '@opt/core';
import type { AnyBackend } from '../../src/backends.ts';
import type { LossAndGradients, Task, TaskRun, Values } from '../../tasks/task.ts';
import type { RunResult, TestPoint } from '../runs/run.ts';

/** A run has diverged when its loss is not finite or above this many times the first. */
export const divergedBeyond = 1e6;

export interface Training {
  readonly task: Pick<Task, 'start' | 'testEvery'>;
  readonly rule: Rule;
  readonly backend: AnyBackend;
  readonly seed: number;
  readonly steps: number;
  /** How state is held; default in f32. */
  readonly stateDtype?: Narrowed | undefined;
  /** After every step, 1 …. The event loop turns after each, so that messages come and go. */
  readonly onStep?: (step: number) => void;
}

/** Trains from the first step to the last or to divergence; tests before steps 1, 1 + testEvery, … and after the last, what a model is
 * judged with: an average, where the optimizer has one. */
export const train = async ({ task, rule, backend, seed, steps, stateDtype, onStep }: Training): Promise<RunResult> => {
  const startedAt = performance.now();
  const run = await task.start(seed);
  const optimizer = await createOptimizer({ transform: rule, parameters: run.parameters, backend, ...(stateDtype && { stateDtype }) });
  const losses: number[] = [];
  const tests: TestPoint[] = [];
  const names = Object.keys(run.parameters);
  const read = async (values: Readonly<Record<string, MaybePromise<Floats>>>) =>
    Object.fromEntries(await Promise.all(names.map(async (name) => [name, await required(values, name, 'parameter')] as const)));
  const test = async (afterStep: number) => {
    if (run.test === undefined) return;
    const tested = run.test(await read(await optimizer.evaluation));
    tests.push({ afterStep, loss: tested.loss, ...(tested.accuracy === undefined ? {} : { accuracy: tested.accuracy }) });
  };
  try {
    let diverged = false;
    for (let step = 1; step <= steps && !diverged; step++) {
      if (task.testEvery !== undefined && (step - 1) % task.testEvery === 0) await test(step - 1);
      const here = run.step(await read(optimizer.parameters));
      const { loss } = here;
      if (Number.isFinite(loss)) losses.push(loss);
      diverged = !Number.isFinite(loss) || loss > divergedBeyond * (losses[0] ?? loss);
      if (!diverged) await optimizer.step(batchOf(run, here));
      onStep?.(step);
      await setImmediate();
    }
    if (!diverged && task.testEvery !== undefined) await test(steps);
    const skippedSteps = await optimizer.skippedSteps;
    return { losses, tests, diverged, skippedSteps, seconds: (performance.now() - startedAt) / 1000 };
  } finally {
    optimizer.dispose();
    run.dispose();
  }
};

/** The batch of a step as an objective: known where the parameters are, and evaluated once wherever else somebody looks. */
function batchOf({ again }: Pick<TaskRun, 'again'>, here: LossAndGradients): Objective<string, 'sync'> {
  let last: { readonly at: Readonly<Record<string, Floats>>; readonly found: LossAndGradients } | undefined;
  const of = (at: Values | undefined): LossAndGradients => {
    if (at === undefined) return here;
    const same = Object.entries(last?.at ?? {});
    if (last !== undefined && same.every(([name, before]) => before.every((x, i) => x === at[name]?.[i]))) return last.found;
    last = { at: mapValues(at, (part) => part.slice()), found: again(at) };
    return last.found;
  };
  return { gradients: (at) => of(at).gradients, loss: (at) => of(at).loss };
}
