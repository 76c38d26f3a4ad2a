import { expect, test } from 'vitest';
import { taskNames } from '../tasks/task.ts';
import { type Choice, makePlan } from './plan.ts';
import { catalogue } from './runs/catalogue.ts';

const choice: Choice = {
  tasks: taskNames,
  optimizers: catalogue.optimizers.map(({ name }) => name),
  rates: undefined,
  seeds: undefined,
  backend: 'wasm',
  quick: false,
};

test('a full sweep: every task at its full length, every optimizer from its decades on, three seeds, nothing shortened', async () => {
  const { tasks, optimizers, seeds, shortened } = await makePlan(choice, catalogue);
  expect(Object.fromEntries(tasks.map(({ name, steps }) => [name, steps]))).toEqual({
    ...Object.fromEntries(taskNames.map((name) => [name, 1000])),
    rnn: 500,
    autoencoder: 600,
    segmentation: 500,
  });
  expect(optimizers.map(({ name }) => name)).toEqual(choice.optimizers);
  for (const { name, search } of optimizers)
    expect(search).toMatchObject(name === 'universal' ? { rates: [1] } : { extensions: 3, refine: true });
  expect({ seeds, shortened }).toEqual({ seeds: 3, shortened: [] });
});

test('a quick sweep has all ten tasks and says everything it leaves out', async () => {
  const { tasks, optimizers, seeds, shortened } = await makePlan({ ...choice, quick: true }, catalogue);
  expect(tasks.map(({ name }) => name)).toEqual(taskNames);
  expect(tasks.map(({ steps }) => steps)).toEqual([100, 100, 50, 100, 60, 50, 100, 100, 100, 100]);
  expect(optimizers[0]?.search).toEqual({ decades: [-2, -1], extensions: 0, refine: false });
  expect(seeds).toBe(1);
  expect(shortened).toEqual(["a tenth of every task's steps", 'two learning rates a decade apart, without refinement', 'one seed']);
});

test('given rates replace the search, fewer seeds are told', async () => {
  const { optimizers, seeds, shortened } = await makePlan({ ...choice, rates: [0.01, 0.1], seeds: 2 }, catalogue);
  expect(optimizers[0]?.search).toEqual({ rates: [0.01, 0.1] });
  expect(seeds).toBe(2);
  expect(shortened).toEqual(['only the learning rates 0.01, 0.1', '2 seeds']);
});
