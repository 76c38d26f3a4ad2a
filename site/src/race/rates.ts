import type { RaceTask } from './task-names.ts';

/** Rates that are best on seed 0 of the sweep, by optimizer, in the order of `tasks`. */
const tasks: readonly RaceTask[] = ['mlp', 'convnet', 'matrix-sign', 'matrix-inverse-l1', 'inverse-of-inverse'];
const best: Readonly<Record<string, readonly number[]>> = {
  'soap-normalize-ema': [0.0056, 0.0032, 0.56, 0.056, 0.032],
  soap: [0.0032, 0.0018, 0.056, 0.018, 0.032],
  muon: [0.0056, 0.0032, 0.056, 0.032, 0.032],
  adamw: [0.0032, 0.0018, 0.01, 0.018, 0.0032],
  sgd: [0.056, 0.01, 0.18, 0.1, 0.32],
  'lm-adagrad': [0.56, 0.18, 0.18, 1, 0.1],
};

/** The swept rate of an optimizer on a task; undefined where it was not swept. */
export const sweptRate = (optimizer: string, task: RaceTask): number | undefined => best[optimizer]?.[tasks.indexOf(task)];
