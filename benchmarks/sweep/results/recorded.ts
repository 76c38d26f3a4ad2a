import { readFileSync } from 'node:fs';
import type { TaskName } from '../../tasks/task.ts';
import type { TaskResults } from './results.ts';

/** What was recorded of one task with PyTorch; see ../../tasks/recorded. */
export interface RecordedTask {
  readonly steps: number;
  readonly optimizers: Readonly<Record<string, RecordedOptimizer>>;
}

export interface RecordedOptimizer {
  readonly bestLearningRate: number;
  readonly sweep: readonly RecordedRun[];
  /** [step, training loss of that step, not smoothed]. */
  readonly bestRunTrainLossAtStep: readonly (readonly [number, number])[];
  readonly bestTestLoss?: number;
  readonly otherSeeds: readonly RecordedRun[];
  /** The best run with every initial weight moved by one rounding. */
  readonly perturbed?: { readonly bestSmoothedTrainLoss: number };
}

export interface RecordedRun {
  readonly learningRate: number;
  readonly diverged: boolean;
  readonly bestSmoothedTrainLoss: number;
}

/** The recorded results of a task; undefined where its runs had another length: they cannot be compared. */
export const recordedOf = ({ name, steps }: Pick<TaskResults, 'name' | 'steps'>): RecordedTask | undefined => {
  const found: RecordedTask = JSON.parse(readFileSync(new URL(`../../tasks/recorded/${name}.json`, import.meta.url), 'utf8'));
  return found.steps === steps ? found : undefined;
};

/** Smallest smoothed training losses of a recorded optimizer: at its best rate, with seeds 0, 1, …. */
export const recordedScores = ({ sweep, bestLearningRate, otherSeeds }: RecordedOptimizer): readonly number[] => {
  const own = sweep.find(({ learningRate }) => learningRate === bestLearningRate);
  return [...(own === undefined ? [] : [own]), ...otherSeeds].filter(({ diverged }) => !diverged).map((run) => run.bestSmoothedTrainLoss);
};

/** Tasks whose losses span so many decades that scores are compared within a factor of ten. */
const comparedByFactor: readonly TaskName[] = ['mlp-full-batch', 'quadratic'];

/**
 * Whether our score of seed 0 lies where the recorded ones lie: between the smallest and the largest of seed 0, its perturbed twin and
 * the other seeds, widened by half of their distance; on two tasks by a factor of ten to either side.
 */
export const withinRecorded = (task: TaskName, score: number, optimizer: RecordedOptimizer): boolean => {
  const { perturbed } = optimizer;
  const scores = [...recordedScores(optimizer), ...(perturbed === undefined ? [] : [perturbed.bestSmoothedTrainLoss])];
  const [least, most] = [Math.min(...scores), Math.max(...scores)];
  if (comparedByFactor.includes(task)) return score >= least / 10 && score <= most * 10;
  const slack = (most - least) / 2;
  return score >= least - slack && score <= most + slack;
};
