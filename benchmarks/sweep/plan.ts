import type { TaskName } from '../tasks/task.ts';
import type { Search } from './protocol/search.ts';
import type { Catalogue } from './runs/catalogue.ts';

/** What a sweep is to do, decided before it starts. */
export interface Plan {
  /** In this order. */
  readonly tasks: readonly PlannedTask[];
  readonly optimizers: readonly PlannedOptimizer[];
  /** Seeds 0 … seeds − 1: 0 for the search, all of them at its best rate. */
  readonly seeds: number;
  readonly backend: string;
  /** What is shorter than in a full sweep, in words; none: nothing is. */
  readonly shortened: readonly string[];
}

export interface PlannedTask {
  readonly name: TaskName;
  readonly steps: number;
}

export interface PlannedOptimizer {
  readonly name: string;
  readonly search: Search;
}

/** What a user chose. */
export interface Choice {
  readonly tasks: readonly TaskName[];
  readonly optimizers: readonly string[];
  /** In place of a search. */
  readonly rates: readonly number[] | undefined;
  readonly seeds: number | undefined;
  readonly backend: string;
  readonly quick: boolean;
}

const fullSeeds = 3;
const mostExtensions = 3;
/** Of a quick sweep: this share of a task's steps, of these few rates, one seed. */
const quickShare = 0.1;

/** The protocol of `Search` for every optimizer, or its quick version: the two decades in the middle, a tenth of the steps, one seed. */
export const makePlan = async (choice: Choice, catalogue: Catalogue): Promise<Plan> => {
  const { tasks, rates, quick, backend } = choice;
  const seeds = choice.seeds ?? (quick ? 1 : fullSeeds);
  const optimizers = catalogue.optimizers
    .filter(({ name }) => choice.optimizers.includes(name))
    .map(({ name, decades }): PlannedOptimizer => {
      if (decades === null) return { name, search: { rates: [1] } };
      const [first, last] = decades;
      if (rates !== undefined) return { name, search: { rates } };
      if (quick) return { name, search: { decades: [first + 1, last - 1], extensions: 0, refine: false } };
      return { name, search: { decades: [first, last], extensions: mostExtensions, refine: true } };
    });
  const planned = await Promise.all(
    tasks.map(async (name) => {
      const { steps } = await catalogue.task(name);
      return { name, steps: quick ? Math.ceil(quickShare * steps) : steps };
    }),
  );
  return { tasks: planned, optimizers, seeds, backend, shortened: shortened(choice, seeds) };
};

const shortened = ({ rates, quick }: Choice, seeds: number): readonly string[] => [
  ...(quick ? [`a tenth of every task's steps`] : []),
  ...(quick && rates === undefined ? [`two learning rates a decade apart, without refinement`] : []),
  ...(rates === undefined ? [] : [`only the learning rates ${rates.join(', ')}`]),
  ...(seeds < fullSeeds ? [seeds === 1 ? 'one seed' : `${seeds} seeds`] : []),
];
