import type { Task } from '../tasks/task.ts';
import type { Plan, PlannedOptimizer, PlannedTask } from './plan.ts';
import type { Tracker } from './progress/tracker.ts';
import { type Judged, judge } from './protocol/judge.ts';
import { best, nextRates } from './protocol/search.ts';
import type { Catalogue } from './runs/catalogue.ts';
import { type Executor, RunFailed } from './runs/executor.ts';
import type { RunResult, RunSpec } from './runs/run.ts';
import type { SettingsKey } from './runs/settings-key.ts';
import type { Store } from './runs/store.ts';

/** A run that was done. */
export interface DoneRun {
  readonly spec: RunSpec;
  readonly result: RunResult;
  readonly judged: Judged;
}

/** A run that could not be done. */
export interface FailedRun {
  readonly spec: RunSpec;
  readonly message: string;
}

/** One optimizer on one task. */
export interface Pair {
  readonly task: Task;
  readonly steps: number;
  readonly optimizer: string;
  /** Of the search, by rate; seed 0. */
  readonly search: readonly DoneRun[];
  /** At the best rate of the search: seeds 1, 2, …. */
  readonly otherSeeds: readonly DoneRun[];
  readonly failures: readonly FailedRun[];
  /** Whether everything that was planned was done. */
  readonly complete: boolean;
}

export interface Means {
  readonly catalogue: Catalogue;
  readonly keyOf: (spec: RunSpec) => Promise<SettingsKey>;
  readonly store: Store;
  /** Absent: nothing is run, only what the store holds is looked at. */
  readonly executor?: Executor;
  readonly tracker: Tracker;
}

/** Everything a plan asks for: every optimizer on every task, side by side as far as the executor goes, earlier tasks first. */
export const sweep = (plan: Plan, means: Means): Promise<Pair[]> =>
  Promise.all(plan.tasks.flatMap((task, index) => plan.optimizers.map((optimizer) => sweepPair(plan, task, index + 1, optimizer, means))));

const sweepPair = async (
  { backend, seeds }: Plan,
  { name, steps }: PlannedTask,
  priority: number,
  { name: optimizer, search }: PlannedOptimizer,
  means: Means,
): Promise<Pair> => {
  const task = await means.catalogue.task(name);
  const failures: FailedRun[] = [];
  let missing = 0;
  const perform = async (rate: number, seed: number): Promise<DoneRun[]> => {
    const outcome = await performRun({ task: name, optimizer, rate, seed, steps, backend }, priority, means);
    if (outcome === undefined) missing++;
    else if ('message' in outcome) failures.push(outcome);
    else return [{ ...outcome, judged: judge(outcome.result, task.smoothingSigma) }];
    return [];
  };

  const done: DoneRun[] = [];
  const tried = () => done.map(({ spec: { rate }, judged: { score } }) => ({ rate, score }));
  // Where a run is missing or failed, what to try next is not known.
  const goesOn = () => missing === 0 && failures.length === 0;
  for (let rates = nextRates(search, []); rates.length > 0 && goesOn(); rates = nextRates(search, tried()))
    done.push(...(await Promise.all(rates.map((rate) => perform(rate, 0)))).flat());
  const winner = best(tried());
  const others = winner !== undefined && Number.isFinite(winner.score) && goesOn() ? seeds - 1 : 0;
  const otherSeeds = await Promise.all(Array.from({ length: others }, (_, index) => perform(winner?.rate ?? 0, index + 1)));
  means.tracker.pairDone(name, optimizer);
  return {
    task,
    steps,
    optimizer,
    search: done.sort((a, b) => a.spec.rate - b.spec.rate),
    otherSeeds: otherSeeds.flat(),
    failures: failures.sort((a, b) => a.spec.rate - b.spec.rate || a.spec.seed - b.spec.seed),
    complete: goesOn(),
  };
};

const performRun = async (
  spec: RunSpec,
  priority: number,
  { keyOf, store, executor, tracker }: Means,
): Promise<{ readonly spec: RunSpec; readonly result: RunResult } | FailedRun | undefined> => {
  const failed = (message: string): FailedRun => {
    tracker.failed(spec, message);
    return { spec, message };
  };
  // A task that cannot even be started has no key.
  const key = await keyOf(spec).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
  if (key instanceof Error) return failed(key.message);
  const earlier = await store.load(spec, key);
  if (earlier !== undefined) {
    tracker.reused(spec, earlier);
    return { spec, result: earlier };
  }
  if (executor === undefined) return undefined;
  try {
    const result = await executor.run({ spec, key, priority, onStep: (step) => tracker.stepped(spec, step) });
    await store.save(spec, key, result);
    tracker.finished(spec, result);
    return { spec, result };
  } catch (error) {
    if (!(error instanceof RunFailed)) throw error;
    return failed(error.message);
  }
};
