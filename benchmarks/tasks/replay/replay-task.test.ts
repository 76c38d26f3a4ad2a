import { readFileSync } from 'node:fs';
import { wasm } from '@opt/backend-wasm';
import { describe, expect, it } from 'vitest';
import { optimizers } from '../optimizers.ts';
import { taskNames } from '../task.ts';
import { replayTask, type TaskOutcome } from './replay-task.ts';
import { parseTaskResults, type TaskResults } from './task-results.ts';

const read = (task: string): TaskResults =>
  parseTaskResults(JSON.parse(readFileSync(new URL(`../recorded/${task}.json`, import.meta.url), 'utf8')));

async function replayed(results: TaskResults): Promise<TaskOutcome[]> {
  const outcomes: TaskOutcome[] = [];
  for await (const outcome of replayTask(results, async () => wasm())) outcomes.push(outcome);
  return outcomes;
}

const ours = ['sgd-momentum', 'adamw', 'soap', 'soap-normalize-ema', 'muon', 'lm-adagrad'];

describe.each(taskNames)('%s', (task) => {
  it('gives the recorded parameters, data, batches and losses', async () => {
    const outcomes = await replayed(read(task));
    expect(outcomes.filter(({ result }) => result === 'failed')).toEqual([]);
    const compared = outcomes.filter(({ result }) => result === 'passed').map(({ what }) => what);
    expect(compared).toEqual(['settings', 'seed 0', 'seed 1', 'seed 2', ...ours]);
  });
});

describe('a recording that is not of this task', () => {
  const quadratic = read('quadratic');
  const [check] = quadratic.checks;
  const { 'sgd-momentum': sgd } = quadratic.optimizers;
  if (check === undefined || sgd === undefined) throw new Error('quadratic.json lacks what is changed here');

  it.each([
    ['settings', { settings: { ...quadratic.settings, steps: 999 } }, 'steps: ours 1000, recorded 999'],
    ['seed 0', { checks: [{ ...check, parametersSha256: 'ab' }] }, 'SHA-256 of the parameters'],
    ['seed 0', { checks: [{ ...check, firstLoss: check.firstLoss * (1 + 2e-5) }] }, 'first loss'],
    ['seed 0', { checks: [{ ...check, firstBatchIndices: [1] }] }, 'first batch: ours [], recorded [1]'],
    ['sgd-momentum', { optimizers: { 'sgd-momentum': { ...sgd, bestLearningRate: 1.001 * sgd.bestLearningRate } } }, 'loss of step 2'],
  ])('fails: %s', async (what, changed, why) => {
    const outcomes = await replayed({ ...quadratic, checks: [], optimizers: {}, ...changed });
    expect(outcomes.filter(({ result }) => result === 'failed')).toEqual([{ what, result: 'failed', why: expect.stringContaining(why) }]);
  });

  it('leaves out what draws random numbers of its own', async () => {
    const outcomes = await replayed({ ...quadratic, checks: [], optimizers: { 'psgd-kron': sgd } });
    expect(outcomes.at(-1)).toMatchObject({ what: 'psgd-kron', result: 'left out', why: expect.stringContaining('random numbers') });
  });

  it('leaves out what no optimizer of ours is called', async () => {
    const outcomes = await replayed({ ...quadratic, checks: [], optimizers: { unheard: sgd } });
    expect(outcomes.at(-1)).toEqual({ what: 'unheard', result: 'left out', why: 'no optimizer of ours has this name' });
  });
});

describe('parseTaskResults', () => {
  it.each([
    [{ task: 'juggling' }, "task must be one of the ten, received 'juggling'"],
    [{ task: 'rnn', steps: 'many' }, 'steps must be a number, received "many"'],
    [[], 'results of a task must be a JSON object'],
  ])('says what is wrong with %j', (value, message) => {
    expect(() => parseTaskResults(value)).toThrow(message);
  });
});

it('every optimizer under test has a name and decades of its own', () => {
  expect(new Set(optimizers.map(({ name }) => name)).size).toBe(optimizers.length);
  for (const { decades } of optimizers) if (decades !== null) expect(decades[1]).toBeGreaterThan(decades[0]);
});
