import { describe, expect, test } from 'vitest';
import { recordedOf, recordedScores, withinRecorded } from './recorded.ts';
import type { OptimizerResults, RunSummary, SweepResults, TaskResults } from './results.ts';
import { standings } from './standings.ts';
import { caveats, winnerCells, winners, winnersText } from './tables.ts';

const run = (rate: number, seed: number, bestTrainLoss: number | null, over: Partial<RunSummary> = {}): RunSummary => ({
  rate,
  seed,
  diverged: false,
  stepsRun: 100,
  bestTrainLoss,
  bestAtStep: 100,
  finalTrainLoss: bestTrainLoss,
  bestTestLoss: null,
  bestTestAccuracy: null,
  skippedSteps: 0,
  seconds: 1,
  ...over,
});

const optimizer = (name: string, losses: readonly (number | null)[], over: Partial<OptimizerResults> = {}): OptimizerResults => ({
  name,
  label: name.toUpperCase(),
  complete: true,
  bestRate: 0.1,
  search: [run(0.01, 0, 99), run(0.1, 0, losses[0] ?? null)],
  otherSeeds: losses.slice(1).map((loss, index) => run(0.1, index + 1, loss)),
  failures: [],
  curve: [],
  testCurve: [],
  ...over,
});

const task = (optimizers: readonly OptimizerResults[], over: Partial<TaskResults> = {}): TaskResults => ({
  name: 'rnn',
  steps: 500,
  smoothingSigma: 8,
  lossAxis: 'log',
  testLossAxis: 'linear',
  firstLoss: 2.3,
  optimizers,
  ...over,
});

const results = (tasks: readonly TaskResults[], over: Partial<SweepResults> = {}): SweepResults => ({
  format: 'opt-sweep/1',
  made: { finishedAt: '', node: '', cpu: '', runSeconds: 1 },
  seeds: 3,
  backend: 'wasm',
  shortened: [],
  tasks,
  ...over,
});

describe('standings', () => {
  const three = [optimizer('a', [1, 5, 6]), optimizer('b', [2, 3, 1]), optimizer('c', [3, 2, 4])];

  test('by the mean over seeds at the best rate, with the range and the seeds won', () => {
    expect(standings(task(three), 'train').map(({ name, mean, least, most, seedsWon }) => ({ name, mean, least, most, seedsWon }))).toEqual(
      [
        { name: 'b', mean: 2, least: 1, most: 3, seedsWon: 1 },
        { name: 'c', mean: 3, least: 2, most: 4, seedsWon: 1 },
        { name: 'a', mean: 4, least: 1, most: 6, seedsWon: 1 },
      ],
    );
  });

  test('a seed that diverged puts its optimizer last; one that is not complete does not stand at all', () => {
    const diverged = optimizer('d', [0.5], { otherSeeds: [run(0.1, 1, 0.1, { diverged: true })] });
    const incomplete = optimizer('e', [0.1], { complete: false });
    expect(standings(task([...three, diverged, incomplete]), 'train').map(({ name }) => name)).toEqual(['b', 'c', 'a', 'd']);
  });

  test('by test loss: of the same runs; nobody stands where nothing was tested', () => {
    const tested = optimizer('t', [1], { search: [run(0.1, 0, 1, { bestTestLoss: 0.7 }), run(0.01, 0, 2, { bestTestLoss: 0.1 })] });
    expect(standings(task([tested, ...three]), 'test').map(({ name, mean }) => [name, mean])).toEqual([['t', 0.7]]);
    expect(standings(task(three), 'test')).toEqual([]);
  });

  test('winners say by how much', () => {
    const [winner] = winners(results([task(three)]), 'train');
    expect(winner && winnerCells(winner)).toEqual(['rnn', 'B', '2.00 (1.00–3.00)', '1 of 3', 'C', '3.00 (2.00–4.00)', '1.50×']);
    expect(winnersText(results([task(three)]))).not.toContain('best test loss');
    const [alone] = winners(results([task([optimizer('z', [0])])]), 'train');
    expect(alone && winnerCells(alone)).toEqual(['rnn', 'Z', '0.00', '1 of 1', '–', '–', '–']);
  });
});

test('caveats: what was shortened, missing, failed', () => {
  const failed = optimizer('f', [1], { complete: false, failures: [{ rate: 0.1, seed: 0, message: 'out of memory' }] });
  const open = optimizer('o', [1], { complete: false });
  const said = caveats(
    results([task([failed, open]), task([open], { name: 'convnet' })], { shortened: ['two rates', 'one seed'], seeds: 1 }),
  );
  expect(said).toEqual([
    'SHORTENED: two rates; one seed. Ranks of a shortened sweep are not those of a full one.',
    'One seed: no spread is known.',
    'FAILED: rnn, f, rate 0.100, seed 0: out of memory',
    'not finished: rnn by o',
    'not finished: convnet',
  ]);
  expect(caveats(results([task([optimizer('a', [1])])]))).toEqual([]);
});

describe('beside the recorded runs', () => {
  test('only where they have the same length', () => {
    expect(recordedOf(task([]))?.optimizers['soap']?.bestLearningRate).toBe(0.00562341);
    expect(recordedOf(task([], { steps: 50 }))).toBeUndefined();
  });

  test('scores of all seeds, and the interval they span, widened by half', () => {
    const soap = recordedOf(task([]))?.optimizers['soap'];
    if (soap === undefined) throw new Error('not recorded');
    expect(recordedScores(soap)).toEqual([0.651275, 0.801821, 0.817222]);
    // With the perturbed run: 0.634465 … 0.817222, ± 0.0913785.
    expect([0.543, 0.544, 0.908, 0.909].map((score) => withinRecorded('rnn', score, soap))).toEqual([false, true, true, false]);
    expect([0.063, 0.064, 8.1, 8.2].map((score) => withinRecorded('quadratic', score, soap))).toEqual([false, true, true, false]);
  });
});
