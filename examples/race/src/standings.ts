import type { Run } from './train.ts';

/** Runs from first to last: by the smallest smoothed training loss; a diverged run ranks behind every other. */
export const standings = (runs: readonly Run[]): Run[] =>
  [...runs].sort((a, b) => Number(a.diverged) - Number(b.diverged) || a.best.loss - b.best.loss);
