import type { RunResult, RunSpec } from './run.ts';

/** What is sent to a worker process, and what comes back: steps, then a result or an error. */
export interface Question {
  readonly spec: RunSpec;
  readonly key: string;
}
export type Answer = { readonly step: number } | { readonly result: RunResult } | { readonly error: string };
