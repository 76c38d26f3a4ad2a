import { expect, test } from 'vitest';
import { judge } from './judge.ts';

const losses = [4, 2, 1, 3];

test('without smoothing: the smallest loss and its step, the last, the tests', () => {
  const tests = [
    { afterStep: 0, loss: 3, accuracy: 0.2 },
    { afterStep: 4, loss: 2, accuracy: 0.1 },
  ];
  expect(judge({ losses, tests, diverged: false }, 0)).toEqual({
    smoothed: losses,
    bestLoss: 1,
    bestStep: 3,
    finalLoss: 3,
    score: 1,
    bestTestLoss: 2,
    bestTestAccuracy: 0.2,
  });
});

test('a run that diverged scores infinity, whatever it reached before', () => {
  expect(judge({ losses, tests: [], diverged: true }, 0)).toMatchObject({
    bestLoss: 1,
    score: Number.POSITIVE_INFINITY,
    finalLoss: Number.NaN,
    bestTestLoss: Number.NaN,
    bestTestAccuracy: Number.NaN,
  });
  expect(judge({ losses: [], tests: [], diverged: true }, 8)).toMatchObject({ bestLoss: Number.POSITIVE_INFINITY, bestStep: 0 });
});

test('smoothed losses decide: one lucky batch is not the best', () => {
  const noisy = Array.from({ length: 200 }, (_, step) => (step === 20 ? 0 : 2 - step / 200));
  const { bestLoss, bestStep } = judge({ losses: noisy, tests: [], diverged: false }, 8);
  expect(bestStep).toBe(200);
  expect(bestLoss).toBeGreaterThan(1);
});
