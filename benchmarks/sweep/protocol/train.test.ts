import { reference } from '@opt/backend-reference';
import { lbfgs } from '@opt/quasi-newton';
import { sgd } from '@opt/transforms';
import { expect, test } from 'vitest';
import type { Task, TaskRun, Values } from '../../tasks/task.ts';
import { train } from './train.ts';

/** ½ x², whose loss in step t may be told otherwise. */
const parabola = (over: Partial<TaskRun> = {}, told = (loss: number, _step: number): number => loss) => {
  let step = 0;
  let disposed = false;
  const x = (parameters: Values) => parameters['x']?.[0] ?? Number.NaN;
  const run: TaskRun = {
    parameters: { x: { shape: [1], data: Float32Array.of(1) } },
    data: {},
    step: (parameters) => ({ loss: told(0.5 * x(parameters) ** 2, ++step), gradients: { x: Float32Array.of(x(parameters)) } }),
    again: (parameters) => ({ loss: 0.5 * x(parameters) ** 2, gradients: { x: Float32Array.of(x(parameters)) } }),
    batch: new Uint32Array(0),
    test: undefined,
    dispose() {
      disposed = true;
    },
    ...over,
  };
  const task: Pick<Task, 'start' | 'testEvery'> = { testEvery: 50, start: async () => run };
  return { task, wasDisposed: () => disposed };
};

const options = (rate: number, steps: number) => ({
  rule: sgd({ learningRate: rate }),
  backend: reference({ precision: 'f64' as const }),
  seed: 0,
  steps,
});

test('the loss of a step is the one before its update', async () => {
  const { task, wasDisposed } = parabola();
  const { losses, diverged, skippedSteps } = await train({ task, ...options(0.5, 4) });
  expect(losses).toEqual([0.5, 0.125, 0.03125, 0.0078125]);
  expect({ diverged, skippedSteps }).toEqual({ diverged: false, skippedSteps: 0 });
  expect(wasDisposed()).toBe(true);
});

test('the test set is measured before steps 1, 51, 101 and after the last', async () => {
  const test = () => ({ loss: 7, accuracy: undefined });
  expect((await train({ task: parabola({ test }).task, ...options(0.1, 120) })).tests).toEqual(
    [0, 50, 100, 120].map((afterStep) => ({ afterStep, loss: 7 })),
  );
});

test('a loss above a million times the first ends the run, which is not tested any more', async () => {
  const test = () => ({ loss: 7, accuracy: 0.5 });
  // x is multiplied by −9 in every step, the loss by 81: after four it is 43 million times the first.
  const { losses, tests, diverged } = await train({ task: parabola({ test }).task, ...options(10, 100) });
  expect(diverged).toBe(true);
  expect(losses.map((loss) => Math.round(loss / 0.5))).toEqual([1, 81, 6561, 531_441, 43_046_721]);
  expect(tests).toEqual([{ afterStep: 0, loss: 7, accuracy: 0.5 }]);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])('a loss of %d ends the run and does not count', async (strange) => {
  const { task } = parabola({}, (loss, step) => (step === 3 ? strange : loss));
  const { losses, diverged } = await train({ task, ...options(0.5, 10) });
  expect({ losses, diverged }).toEqual({ losses: [0.5, 0.125], diverged: true });
});

test('a gradient that is not finite is left out and counted', async () => {
  let step = 0;
  const { task } = parabola({ step: () => ({ loss: 1, gradients: { x: Float32Array.of(++step === 2 ? Number.NaN : 0) } }) });
  expect(await train({ task, ...options(0.5, 4) })).toMatchObject({ skippedSteps: 1, diverged: false, losses: [1, 1, 1, 1] });
});

test('every step is told, and the event loop turns in between', async () => {
  const told: number[] = [];
  let turned = 0;
  const timer = setInterval(() => turned++, 0);
  await train({ task: parabola().task, ...options(0.5, 200), onStep: (step) => told.push(step) });
  clearInterval(timer);
  expect(told).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
  expect(turned).toBeGreaterThan(0);
});

test('an optimizer that looks around within a step is answered on the batch of the step', async () => {
  const rule = lbfgs({ maxIter: 1, maxEval: 3, historySize: 2, lineSearch: 'strongWolfe' });
  const { losses } = await train({ task: parabola().task, ...options(1, 2), rule });
  // ½x² from 1: −g is the way to the minimum, and the first trial is there.
  expect(losses).toEqual([0.5, 0]);
});
