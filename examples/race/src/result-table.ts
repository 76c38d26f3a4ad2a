import { figure, milliseconds, percentage } from './figures.ts';
import { standings } from './standings.ts';
import { textTable } from './text-table.ts';
import type { Run } from './train.ts';

const heads = ['', 'best loss', 'final loss', 'test accuracy', 'per step', 'rate'];

/** The outcome as text, best first. Losses are training losses, smoothed; test accuracy is that after the last step; time is the optimizer's share of a step. */
export const resultTable = (runs: readonly Run[]): string => {
  const rows = standings(runs).map(({ lane, best, finalLoss, tests, diverged, optimizerMilliseconds }) => [
    lane.label,
    figure(best.loss),
    diverged ? 'diverged' : figure(finalLoss),
    diverged ? '–' : percentage(tests.at(-1)?.accuracy ?? Number.NaN),
    milliseconds(optimizerMilliseconds),
    figure(lane.learningRate),
  ]);
  return textTable([heads, ...rows]);
};
