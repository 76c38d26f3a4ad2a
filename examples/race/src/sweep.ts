import type { Run } from './train.ts';

/** Learning rates of the sweep as factors of each optimizer's own rate: five, half a decade apart; the middle one is the race itself. */
export const sweepFactors: readonly number[] = [-1, -0.5, 0, 0.5, 1].map((decades) => 10 ** decades);

/** One point of the learning-rate graph. `bestLoss`: smallest smoothed training loss of the run. */
export interface SweepPoint {
  readonly name: string;
  readonly learningRate: number;
  readonly bestLoss: number;
  readonly diverged: boolean;
}

export const sweepPoint = ({ lane, best, diverged }: Run): SweepPoint => ({
  name: lane.name,
  learningRate: lane.learningRate,
  bestLoss: best.loss,
  diverged,
});
