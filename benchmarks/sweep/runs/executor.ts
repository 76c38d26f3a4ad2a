import type { RunResult, RunSpec } from './run.ts';

/** One run to be done. Of those waiting, the smallest `priority` (from 1) goes first, then the one that came first. */
export interface Job {
  readonly spec: RunSpec;
  readonly key: string;
  readonly priority: number;
  /** Steps done so far. */
  readonly onStep: (step: number) => void;
}

/** Whatever does runs, several at a time: processes on this machine, or a queue with workers anywhere. */
export interface Executor {
  /** @throws RunFailed when it gave up on this run. */
  run(job: Job): Promise<RunResult>;
  close(): Promise<void>;
}

/** A run that could not be done, after every attempt. */
export class RunFailed extends Error {
  override readonly name = 'RunFailed';
}

/** How often a run is begun before it is given up. */
export const attempts = 3;
