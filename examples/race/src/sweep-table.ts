import { figure } from './figures.ts';
import type { SweepPoint } from './sweep.ts';
import { textTable } from './text-table.ts';

/** The learning-rate graph as text: per optimizer its rates in ascending order, each above the best smoothed training loss it reached. */
export const sweepTable = (
  optimizers: readonly { readonly name: string; readonly label: string }[],
  points: readonly SweepPoint[],
): string => {
  const rows = optimizers.flatMap(({ name, label }) => {
    const own = points.filter((point) => point.name === name).sort((a, b) => a.learningRate - b.learningRate);
    return [
      [label, ...own.map(({ learningRate }) => figure(learningRate))],
      ['  best train loss', ...own.map(({ bestLoss, diverged }) => (diverged ? 'diverged' : figure(bestLoss)))],
    ];
  });
  return textTable([['learning-rate sweep'], ...rows]);
};
