import { smooth } from '../../../examples/race/src/smooth.ts';
import type { RunResult } from '../runs/run.ts';

/** A run as the protocol sees it. */
export interface Judged {
  readonly smoothed: readonly number[];
  /** The smallest smoothed training loss; Infinity where there is none. */
  readonly bestLoss: number;
  readonly bestStep: number;
  /** The last smoothed training loss; NaN for a run that diverged. */
  readonly finalLoss: number;
  /** What runs are ranked by: `bestLoss`, or Infinity for a run that diverged. */
  readonly score: number;
  /** The smallest test loss and the largest accuracy; NaN where there is none. */
  readonly bestTestLoss: number;
  readonly bestTestAccuracy: number;
}

/** Smooths a run with σ steps (0: not at all) and says how good it was. */
export const judge = ({ losses, tests, diverged }: Pick<RunResult, 'losses' | 'tests' | 'diverged'>, sigma: number): Judged => {
  const smoothed = smooth(losses, sigma);
  const bestLoss = smoothed.reduce((least, loss) => Math.min(least, loss), Number.POSITIVE_INFINITY);
  const testLosses = tests.map(({ loss }) => loss).filter(Number.isFinite);
  const accuracies = tests.flatMap(({ accuracy }) => (accuracy === undefined ? [] : [accuracy]));
  return {
    smoothed,
    bestLoss,
    bestStep: smoothed.indexOf(bestLoss) + 1,
    finalLoss: diverged ? Number.NaN : (smoothed.at(-1) ?? Number.NaN),
    score: diverged ? Number.POSITIVE_INFINITY : bestLoss,
    bestTestLoss: testLosses.length > 0 ? Math.min(...testLosses) : Number.NaN,
    bestTestAccuracy: accuracies.length > 0 ? Math.max(...accuracies) : Number.NaN,
  };
};
