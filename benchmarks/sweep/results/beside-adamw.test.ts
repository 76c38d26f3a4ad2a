import { expect, test } from 'vitest';
import { catalogue } from '../fixtures/catalogue.ts';
import { madeUpResults } from '../fixtures/results.ts';
import { judge } from '../protocol/judge.ts';
import type { DoneRun, Pair } from '../sweep.ts';
import { besideAdamw, geometricMean, timesFewer } from './beside-adamw.ts';
import { besideAdamwTable } from './tables.ts';

const quadratic = await catalogue.task('quadratic');

const run = (optimizer: string, rate: number, seed: number, losses: readonly number[], diverged = false): DoneRun => {
  const result = { losses, tests: [], diverged, skippedSteps: 0, seconds: 1 };
  return { spec: { task: 'quadratic', optimizer, rate, seed, steps: 4, backend: 'wasm' }, result, judged: judge(result, 0) };
};

const pair = (optimizer: string, search: readonly DoneRun[], otherSeeds: readonly DoneRun[] = []): Pair => ({
  task: { ...quadratic, steps: 4 },
  steps: 4,
  optimizer,
  search,
  otherSeeds,
  failures: [],
  complete: true,
});

const adamw = pair('adamw', [run('adamw', 0.1, 0, [9, 8, 3, 4]), run('adamw', 1, 0, [9, 9, 9, 9])], [run('adamw', 0.1, 1, [9, 5, 6, 7])]);

test('the first step at which a run is where tuned AdamW got at best, seed by seed', () => {
  const other = pair('soap', [run('soap', 1, 0, [9, 2, 1, 1])], [run('soap', 1, 1, [9, 8, 7, 6])]);
  expect(besideAdamw([adamw, other])).toEqual([
    { task: 'quadratic', optimizer: 'soap', seed: 0, target: 3, adamwStep: 3, step: 2, stepsRun: 4 },
    { task: 'quadratic', optimizer: 'soap', seed: 1, target: 5, adamwStep: 2, step: null, stepsRun: 4 },
  ]);
});

test('without AdamW in the sweep it is the one on record, for runs of full length', () => {
  const other = pair('soap', [run('soap', 1, 0, [9, 2, 1, 1])]);
  const recorded = madeUpResults();
  const target = recorded.tasks.find(({ name }) => name === 'quadratic')?.optimizers.find(({ name }) => name === 'adamw');
  const best = target?.search.find(({ rate }) => rate === target.bestRate);
  expect(besideAdamw([other], recorded)).toMatchObject([{ seed: 0, target: best?.bestTrainLoss, adamwStep: best?.bestAtStep }]);
  expect(besideAdamw([{ ...other, steps: 2 }], recorded)).toEqual([]);
});

test('a run that diverged never got there; what is not complete is not compared', () => {
  const lost = pair('soap', [run('soap', 1, 0, [9, 2], true)]);
  expect(besideAdamw([adamw, lost])).toMatchObject([{ step: null }]);
  expect(besideAdamw([adamw, { ...lost, complete: false }])).toEqual([]);
});

test('a run that never got there counts as one that got there at its end, at best', () => {
  const runs = { task: 'quadratic', optimizer: 'soap', seed: 0, target: 3, adamwStep: 800 } as const;
  expect(timesFewer({ ...runs, step: 400, stepsRun: 1000 })).toBe(2);
  expect(timesFewer({ ...runs, step: null, stepsRun: 1000 })).toBe(0.8);
  expect(timesFewer({ ...runs, step: null, stepsRun: 10 })).toBe(1);
  expect(geometricMean([4, 1])).toBe(2);
});

test('the table: optimizers by their mean over tasks, and how many runs got there', () => {
  const results = madeUpResults();
  const besideOne = (optimizer: string, step: number | null) =>
    ({ task: 'rnn', optimizer, seed: 0, target: 1, adamwStep: 400, step, stepsRun: 500 }) as const;
  const [heads = [], first = [], second = []] = besideAdamwTable({
    ...results,
    besideAdamw: [besideOne('muon', null), besideOne('soap', 100)],
  });
  expect(heads.length).toBe(results.tasks.length + 3);
  expect([first[0], first.at(-2), first.at(-1)]).toEqual(['SOAP', '1 of 1', '4.00']);
  expect([second[0], second.at(-2), second.at(-1)]).toEqual(['Muon', '0 of 1', '0.800']);
  expect(besideAdamwTable(results)).toEqual([]);
});
