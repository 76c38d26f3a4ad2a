import type { LaneState } from './train.ts';

/** Where a race stands. */
export interface Moment {
  readonly title: string;
  readonly step: number;
  readonly steps: number;
  readonly lanes: readonly LaneState[];
  readonly elapsedMilliseconds: number;
}

/** Shows a race while it runs. */
export interface Progress {
  show(moment: Moment): void;
}

/** The part of an output stream that a display needs. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const recentSteps = 16;

/** Mean of the last 16 losses: smooth enough to watch. */
export const recentLoss = ({ losses }: LaneState): number => {
  const recent = losses.slice(-recentSteps);
  return recent.reduce((sum, loss) => sum + loss, 0) / recent.length;
};

/** Milliseconds still to go if the pace stays. */
export const remaining = ({ step, steps, elapsedMilliseconds }: Moment): number =>
  (elapsedMilliseconds / Math.max(1, step)) * (steps - step);
