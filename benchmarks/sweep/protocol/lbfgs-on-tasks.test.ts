import { wasm } from '@opt/backend-wasm';
import { expect, it } from 'vitest';
import { optimizers } from '../../tasks/optimizers.ts';
import { tasks } from '../../tasks/tasks.ts';
import { train } from './train.ts';

it.each(['quadratic', 'matrix-sign'] as const)('L-BFGS takes steps on %s, every one of them down', async (name) => {
  const lbfgs = optimizers.find((one) => one.name === 'lbfgs');
  if (lbfgs === undefined) throw new Error('there is no L-BFGS');
  const { losses, skippedSteps } = await train({ task: await tasks[name](), rule: lbfgs.make(1), backend: wasm(), seed: 0, steps: 4 });
  expect([losses.length, skippedSteps]).toEqual([4, 0]);
  expect([...losses].sort((a, b) => b - a)).toEqual(losses);
});

it('a batch is there again until the next one is drawn', async () => {
  const run = await (await tasks['mlp-mini-batch']()).start(0);
  const at = Object.fromEntries(Object.entries(run.parameters).map(([name, { data }]) => [name, data]));
  const first = run.step(at);
  expect(run.again(at)).toEqual(first);
  const second = run.step(at);
  expect(run.again(at)).toEqual(second);
  expect(second.loss).not.toBe(first.loss);
  run.dispose();
});
