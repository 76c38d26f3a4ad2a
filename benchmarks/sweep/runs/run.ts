import type { TaskName } from '../../tasks/task.ts';

/** One training run, as plain data: what a worker needs to know. */
export interface RunSpec {
  readonly task: TaskName;
  readonly optimizer: string;
  readonly rate: number;
  readonly seed: number;
  readonly steps: number;
  /** What runs the optimizer, by its name on the command line. */
  readonly backend: string;
}

/** A loss over the test set. `afterStep`: updates before it. */
export interface TestPoint {
  readonly afterStep: number;
  readonly loss: number;
  /** Share of labels, in [0, 1]; absent where there are no classes. */
  readonly accuracy?: number;
}

/** What a run did. Everything but `seconds` is decided by the spec. */
export interface RunResult {
  /** Training loss of step 1, 2, …, each before its update; where the run diverged, up to the last that was finite. */
  readonly losses: readonly number[];
  readonly tests: readonly TestPoint[];
  readonly diverged: boolean;
  /** Steps whose gradient was not finite: the optimizer left them out. */
  readonly skippedSteps: number;
  /** Wall-clock time of the run alone. */
  readonly seconds: number;
}

/** As a person would name it: `rnn, soap, rate 0.00562, seed 0`. */
export const describeRun = ({ task, optimizer, rate, seed }: RunSpec): string =>
  `${task}, ${optimizer}, rate ${Number(rate.toPrecision(3))}, seed ${seed}`;
