import { expect, test } from 'vitest';
import { duration, figure, milliseconds, percentage } from './figures.ts';
import { resultTable } from './result-table.ts';
import { sweepTable } from './sweep-table.ts';
import type { Lane, Run } from './train.ts';

const lane = (name: string, learningRate: number): Lane => ({
  name,
  label: name.toUpperCase(),
  colour: '#123456',
  learningRate,
  make: () => Promise.reject(new Error('not trained here')),
});

const run = (name: string, best: number, over: Partial<Run> = {}): Run => ({
  lane: lane(name, 0.01),
  losses: [2, best],
  smoothedLosses: [2, best],
  best: { loss: best, step: 2 },
  finalLoss: best * 2,
  tests: [{ afterStep: 2, loss: 1, accuracy: 0.684 }],
  diverged: false,
  optimizerMilliseconds: 1.234,
  measures: [],
  gradientMilliseconds: 1,
  ...over,
});

test('the table ranks by best train loss, diverged runs last', () => {
  const table = resultTable([run('sgd', 0.6), run('wild', 1e-9, { diverged: true, finalLoss: Number.NaN }), run('soap', 0.00674)]);
  expect(table).toBe(
    [
      '      best loss  final loss  test accuracy  per step    rate',
      '────  ─────────  ──────────  ─────────────  ────────  ──────',
      'SOAP    0.00674      0.0135         68.4 %   1.23 ms  0.0100',
      'SGD       0.600        1.20         68.4 %   1.23 ms  0.0100',
      'WILD     1.0e-9    diverged              –   1.23 ms  0.0100',
    ].join('\n'),
  );
});

test('the sweep table has a pair of lines per optimizer, rates ascending', () => {
  const points = [
    { name: 'sgd', learningRate: 1, bestLoss: 5, diverged: true },
    { name: 'sgd', learningRate: 0.01, bestLoss: 0.5, diverged: false },
    { name: 'other', learningRate: 0.5, bestLoss: 0.7, diverged: false },
  ];
  expect(sweepTable([lane('sgd', 0.1)], points)).toBe(
    [
      'learning-rate sweep',
      '───────────────────  ──────  ────────',
      'SGD                  0.0100      1.00',
      '  best train loss     0.500  diverged',
    ].join('\n'),
  );
});

test('figures', () => {
  expect([0, 0.00674, 12.345, 3.14e-7, 1e6, Number.NaN].map(figure)).toEqual(['0.00', '0.00674', '12.3', '3.1e-7', '1.0e+6', '–']);
  expect([0.31, 12.41].map(milliseconds)).toEqual(['0.31 ms', '12.4 ms']);
  expect([0, 8400, 185_000].map(duration)).toEqual(['0 s', '8 s', '3 min 05 s']);
  expect(percentage(0.6845)).toBe('68.5 %');
});
