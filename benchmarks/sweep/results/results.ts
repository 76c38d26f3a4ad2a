import type { Task, TaskName } from '../../tasks/task.ts';
import type { Plan } from '../plan.ts';
import type { Catalogue } from '../runs/catalogue.ts';
import type { DoneRun, FailedRun, Pair } from '../sweep.ts';
import { winnerOf } from './winner.ts';

/** Contents of sweep.json: everything the reports are made from. Losses have six digits. */
export interface SweepResults {
  readonly format: 'opt-sweep/1';
  readonly made: Made;
  readonly seeds: number;
  readonly backend: string;
  /** What was shorter than in a full sweep; empty: nothing. */
  readonly shortened: readonly string[];
  readonly tasks: readonly TaskResults[];
  /** Absent in results that were made before it was looked at. */
  readonly besideAdamw?: readonly BesideAdamw[];
}

/** When, where, how long: the only part, with `seconds` of runs, that two sweeps with the same options differ in. */
export interface Made {
  readonly finishedAt: string;
  readonly node: string;
  readonly cpu: string;
  /** Of all runs together, earlier ones too. */
  readonly runSeconds: number;
}

export interface TaskResults {
  readonly name: TaskName;
  readonly steps: number;
  readonly smoothingSigma: number;
  readonly lossAxis: 'linear' | 'log';
  readonly testLossAxis: 'linear' | 'log';
  /** Loss of the first step, seed 0: where every optimizer starts. */
  readonly firstLoss: number | null;
  readonly optimizers: readonly OptimizerResults[];
}

/** One optimizer on one task. */
export interface OptimizerResults {
  readonly name: string;
  readonly label: string;
  /** False: something planned was not done, see `failures`, or not done yet. */
  readonly complete: boolean;
  /** Null where every run diverged or failed. */
  readonly bestRate: number | null;
  readonly search: readonly RunSummary[];
  /** At the best rate. */
  readonly otherSeeds: readonly RunSummary[];
  readonly failures: readonly { readonly rate: number; readonly seed: number; readonly message: string }[];
  /** Of the best run of the search: [step, smoothed training loss], thinned. */
  readonly curve: readonly (readonly [number, number])[];
  /** Of the same run: [updates before the test, test loss]. */
  readonly testCurve: readonly (readonly [number, number])[];
}

/** One run in short. Null: there is no such number. */
export interface RunSummary {
  readonly rate: number;
  readonly seed: number;
  readonly diverged: boolean;
  readonly stepsRun: number;
  readonly bestTrainLoss: number | null;
  readonly bestAtStep: number;
  readonly finalTrainLoss: number | null;
  readonly bestTestLoss: number | null;
  readonly bestTestAccuracy: number | null;
  readonly skippedSteps: number;
  readonly seconds: number;
}

/** How soon a run was where AdamW, its rate tuned to the task, got at best with the same seed. */
export interface BesideAdamw {
  readonly task: TaskName;
  readonly optimizer: string;
  readonly seed: number;
  /** Smallest smoothed training loss of AdamW, and the step of it. */
  readonly target: number;
  readonly adamwStep: number;
  /** First step with a smoothed loss that is no larger; null: none. */
  readonly step: number | null;
  readonly stepsRun: number;
}

/** Points of a curve that are kept: more than a picture shows. */
const curvePoints = 120;

/** The results of a sweep as they are written. */
export const sweepResults = (
  plan: Plan,
  pairs: readonly Pair[],
  { optimizers }: Catalogue,
  made: Omit<Made, 'runSeconds'>,
  besideAdamw: readonly BesideAdamw[],
): SweepResults => ({
  format: 'opt-sweep/1',
  made: { ...made, runSeconds: Math.round(pairs.flatMap(runsOf).reduce((sum, { result }) => sum + result.seconds, 0)) },
  seeds: plan.seeds,
  backend: plan.backend,
  shortened: plan.shortened,
  tasks: plan.tasks.flatMap(({ name, steps }) => {
    const own = pairs.filter((pair) => pair.task.name === name);
    const [first] = own;
    return first === undefined ? [] : [taskResults(first.task, steps, own, optimizers)];
  }),
  besideAdamw,
});

const runsOf = ({ search, otherSeeds }: Pair): readonly DoneRun[] => [...search, ...otherSeeds];

const taskResults = (task: Task, steps: number, pairs: readonly Pair[], optimizers: Catalogue['optimizers']): TaskResults => ({
  name: task.name,
  steps,
  smoothingSigma: task.smoothingSigma,
  lossAxis: task.lossAxis,
  testLossAxis: task.testLossAxis,
  firstLoss: finite(pairs.flatMap(({ search }) => search)[0]?.result.losses[0]),
  optimizers: pairs.map((pair) => ({
    ...optimizerResults(pair),
    label: optimizers.find(({ name }) => name === pair.optimizer)?.label ?? pair.optimizer,
  })),
});

const optimizerResults = ({ optimizer, complete, search, otherSeeds, failures }: Pair): Omit<OptimizerResults, 'label'> => {
  const winner = winnerOf(search);
  const found = winner !== undefined && Number.isFinite(winner.judged.score) ? winner : undefined;
  return {
    name: optimizer,
    complete,
    bestRate: found?.spec.rate ?? null,
    search: search.map(summary),
    otherSeeds: otherSeeds.map(summary),
    failures: failures.map(({ spec: { rate, seed }, message }: FailedRun) => ({ rate, seed, message })),
    curve: found === undefined ? [] : thinned(found.judged.smoothed, found.judged.bestStep),
    testCurve: (found?.result.tests ?? []).map(({ afterStep, loss }) => [afterStep, brief(loss)]),
  };
};

const summary = ({ spec: { rate, seed }, result, judged }: DoneRun): RunSummary => ({
  rate,
  seed,
  diverged: result.diverged,
  stepsRun: result.losses.length,
  bestTrainLoss: finite(judged.bestLoss),
  bestAtStep: judged.bestStep,
  finalTrainLoss: finite(judged.finalLoss),
  bestTestLoss: finite(judged.bestTestLoss),
  bestTestAccuracy: finite(judged.bestTestAccuracy),
  skippedSteps: result.skippedSteps,
  seconds: brief(result.seconds, 3),
});

/** Every so many steps, the first, the best and the last among them. */
const thinned = (losses: readonly number[], bestStep: number): [number, number][] => {
  const stride = Math.max(1, Math.ceil(losses.length / curvePoints));
  return losses.flatMap((loss, index): [number, number][] => {
    const step = index + 1;
    return index % stride === 0 || step === bestStep || step === losses.length ? [[step, brief(loss)]] : [];
  });
};

const finite = (value: number | undefined): number | null => (value !== undefined && Number.isFinite(value) ? brief(value) : null);

const brief = (value: number, digits = 6): number => Number(value.toPrecision(digits));
