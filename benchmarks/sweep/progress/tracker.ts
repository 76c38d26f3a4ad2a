import type { Plan } from '../plan.ts';
import type { Search } from '../protocol/search.ts';
import type { RunResult, RunSpec } from '../runs/run.ts';

/** Where a sweep stands. */
export interface Moment {
  /** Runs that are there: done now or found from earlier. */
  readonly finished: number;
  /** Of these, found from earlier. */
  readonly reused: number;
  readonly failed: number;
  /** Runs there will be in all, as far as can be said: a search may ask for more. */
  readonly expected: number;
  readonly running: readonly { readonly spec: RunSpec; readonly step: number }[];
  readonly elapsedMilliseconds: number;
  /** Undefined until a run was timed. */
  readonly remainingMilliseconds: number | undefined;
}

/** What just ended. */
export type News = { readonly spec: RunSpec; readonly result: RunResult } | { readonly spec: RunSpec; readonly message: string };

/** Shows a sweep while it runs. */
export interface Display {
  /** Something moved. */
  show(moment: Moment): void;
  /** A run ended. */
  tell(news: News, moment: Moment): void;
}

/** Told what happens to runs. */
export interface Tracker {
  stepped(spec: RunSpec, step: number): void;
  finished(spec: RunSpec, result: RunResult): void;
  failed(spec: RunSpec, message: string): void;
  reused(spec: RunSpec, result: RunResult): void;
  /** No more runs of this optimizer on this task. */
  pairDone(task: string, optimizer: string): void;
  readonly moment: Moment;
}

interface PairState {
  readonly task: string;
  readonly optimizer: string;
  expected: number;
  ended: number;
  /** Of the runs that were timed. */
  timed: number;
  seconds: number;
}

/** Counts runs and estimates what is left: the mean seconds of the same optimizer on the task, else of the task, else of all runs. */
export const tracker = (plan: Plan, display: Display): Tracker => {
  const startedAt = performance.now();
  const pairs: PairState[] = plan.tasks.flatMap((task) =>
    plan.optimizers.map(({ name, search }) => ({
      task: task.name,
      optimizer: name,
      expected: expectedRuns(search) + plan.seeds - 1,
      ended: 0,
      timed: 0,
      seconds: 0,
    })),
  );
  const running = new Map<string, { readonly spec: RunSpec; readonly step: number }>();
  let [finished, reused, failed] = [0, 0, 0];

  const pairOf = (task: string, optimizer: string) => pairs.find((pair) => pair.task === task && pair.optimizer === optimizer);
  const nameOf = ({ task, optimizer, rate, seed }: RunSpec) => [task, optimizer, rate, seed].join(' ');

  const ended = (spec: RunSpec, seconds: number | undefined): void => {
    running.delete(nameOf(spec));
    const pair = pairOf(spec.task, spec.optimizer);
    if (pair === undefined) return;
    pair.ended++;
    pair.expected = Math.max(pair.expected, pair.ended);
    if (seconds === undefined) return;
    pair.timed++;
    pair.seconds += seconds;
  };

  const mean = (among: (pair: PairState) => boolean): number | undefined => {
    const some = pairs.filter((pair) => pair.timed > 0 && among(pair));
    const runs = some.reduce((sum, { timed }) => sum + timed, 0);
    return runs > 0 ? some.reduce((sum, { seconds }) => sum + seconds, 0) / runs : undefined;
  };

  const remaining = (): number | undefined => {
    const overall = mean(() => true);
    if (overall === undefined) return undefined;
    const seconds = pairs
      .filter(({ expected, ended: done }) => expected > done)
      .reduce((sum, pair) => {
        const each = mean((one) => one === pair) ?? mean(({ task }) => task === pair.task) ?? overall;
        return sum + (pair.expected - pair.ended) * each;
      }, 0);
    return (1000 * seconds) / Math.max(1, running.size);
  };

  const self: Tracker = {
    stepped(spec, step) {
      running.set(nameOf(spec), { spec, step });
      display.show(self.moment);
    },
    finished(spec, result) {
      finished++;
      // Another run takes this one's place at once: the estimate counts them before it goes.
      const remainingMilliseconds = remaining();
      ended(spec, result.seconds);
      display.tell({ spec, result }, { ...self.moment, remainingMilliseconds });
    },
    failed(spec, message) {
      failed++;
      ended(spec, undefined);
      display.tell({ spec, message }, self.moment);
    },
    reused(spec, result) {
      finished++;
      reused++;
      ended(spec, result.seconds);
      display.show(self.moment);
    },
    pairDone(task, optimizer) {
      const pair = pairOf(task, optimizer);
      if (pair !== undefined) pair.expected = pair.ended;
    },
    get moment() {
      return {
        finished,
        reused,
        failed,
        expected: pairs.reduce((sum, { expected }) => sum + expected, 0),
        running: [...running.values()],
        elapsedMilliseconds: performance.now() - startedAt,
        remainingMilliseconds: remaining(),
      };
    },
  };
  return self;
};

/** Without extensions at an edge: they cannot be foreseen. */
const expectedRuns = (search: Search): number => {
  if ('rates' in search) return search.rates.length;
  const [first, last] = search.decades;
  return last - first + 1 + (search.refine ? 3 : 0);
};
