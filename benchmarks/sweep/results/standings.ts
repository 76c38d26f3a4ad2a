import type { OptimizerResults, RunSummary, TaskResults } from './results.ts';

/** One optimizer's numbers over all seeds at its best rate. */
export interface Standing {
  readonly name: string;
  readonly label: string;
  readonly rate: number;
  /** By seed. */
  readonly values: readonly number[];
  readonly mean: number;
  readonly least: number;
  readonly most: number;
  /** Seeds on which no other optimizer did better. */
  readonly seedsWon: number;
}

export type Measure = 'train' | 'test';

const measured = (run: RunSummary, measure: Measure): number => {
  const value = measure === 'train' ? (run.diverged ? null : run.bestTrainLoss) : run.bestTestLoss;
  return value ?? Number.POSITIVE_INFINITY;
};

/** Seeds 0, 1, … at the best rate. */
export const runsAtBest = ({ search, bestRate, otherSeeds }: OptimizerResults): readonly RunSummary[] => [
  ...search.filter(({ rate }) => rate === bestRate),
  ...otherSeeds,
];

/**
 * Optimizers of a task from first to last, by the mean over seeds of the smallest smoothed training loss, or of the smallest test loss
 * of the same runs; one seed that diverged puts an optimizer last. Those that are not complete, or without any number, are left out.
 */
export const standings = ({ optimizers }: TaskResults, measure: Measure): readonly Standing[] => {
  const entered = optimizers
    .filter(({ complete }) => complete)
    .map((optimizer) => ({ optimizer, values: runsAtBest(optimizer).map((run) => measured(run, measure)) }))
    .filter(({ values }) => values.some(Number.isFinite));
  const leastOf = (seed: number) => Math.min(...entered.map(({ values }) => values[seed] ?? Number.POSITIVE_INFINITY));
  return entered
    .map(({ optimizer: { name, label, bestRate }, values }) => ({
      name,
      label,
      rate: bestRate ?? Number.NaN,
      values,
      mean: values.reduce((sum, value) => sum + value, 0) / values.length,
      least: Math.min(...values),
      most: Math.max(...values),
      seedsWon: values.filter((value, seed) => value === leastOf(seed)).length,
    }))
    .sort((a, b) => a.mean - b.mean);
};
