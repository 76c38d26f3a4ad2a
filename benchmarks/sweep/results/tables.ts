import { figure } from '../../../examples/race/src/figures.ts';
import { textTable } from '../../../examples/race/src/text-table.ts';
import type { OptimizerResults, SweepResults, TaskResults } from './results.ts';
import { type Measure, type Standing, standings } from './standings.ts';

/** `0.0572 (0.0551–0.0583)`: mean, smallest and largest over the seeds. */
export const spread = ({ values, mean, least, most }: Standing): string =>
  values.length > 1 ? `${figure(mean)} (${figure(least)}–${figure(most)})` : figure(mean);

/** One line a task: who is first, by how much, on how many seeds. */
export interface Winner {
  readonly task: string;
  readonly first: Standing;
  readonly second: Standing | undefined;
}

export const winners = ({ tasks }: SweepResults, measure: Measure): readonly Winner[] =>
  tasks.flatMap((task) => {
    const [first, second] = standings(task, measure);
    return first === undefined ? [] : [{ task: task.name, first, second }];
  });

/** The cells of one winner: task, first, its loss, on how many seeds, second, its loss, ratio. */
export const winnerCells = ({ task, first, second }: Winner): readonly string[] => [
  task,
  first.label,
  spread(first),
  `${first.seedsWon} of ${first.values.length}`,
  second?.label ?? '–',
  second === undefined ? '–' : spread(second),
  second === undefined || first.mean === 0 ? '–' : `${(second.mean / first.mean).toPrecision(3)}×`,
];

export const winnerHeads = (measure: Measure): readonly string[] => [
  measure === 'train' ? 'best training loss' : 'best test loss',
  'first',
  'mean (range)',
  'seeds won',
  'second',
  'mean (range)',
  'second ÷ first',
];

/** The winners of every task as text, once by training loss and once by test loss. */
export const winnersText = (results: SweepResults): string =>
  (['train', 'test'] as const)
    .map((measure) => ({ measure, lines: winners(results, measure).map(winnerCells) }))
    .filter(({ lines }) => lines.length > 0)
    .map(({ measure, lines }) => textTable([winnerHeads(measure), ...lines]))
    .join('\n\n');

/** What a reader must know before he believes a table: what was shortened, what failed, what is missing. */
export const caveats = ({ shortened, seeds, tasks }: SweepResults): readonly string[] => {
  const untouched = tasks.filter(({ optimizers }) => optimizers.every(isOpen)).map(({ name }) => name);
  const begun = tasks.filter(({ name }) => !untouched.includes(name));
  return [
    ...(shortened.length > 0 ? [`SHORTENED: ${shortened.join('; ')}. Ranks of a shortened sweep are not those of a full one.`] : []),
    ...(seeds === 1 ? ['One seed: no spread is known.'] : []),
    ...tasks.flatMap(failed),
    ...begun.flatMap(({ name, optimizers }) => {
      const open = optimizers.filter(isOpen).map((optimizer) => optimizer.name);
      return open.length > 0 ? [`not finished: ${name} by ${open.join(', ')}`] : [];
    }),
    ...(untouched.length > 0 ? [`not finished: ${untouched.join(', ')}`] : []),
  ];
};

const isOpen = ({ complete, failures }: OptimizerResults): boolean => !complete && failures.length === 0;

const failed = ({ name, optimizers }: TaskResults): readonly string[] =>
  optimizers.flatMap((optimizer) =>
    optimizer.failures.map(
      ({ rate, seed, message }) => `FAILED: ${name}, ${optimizer.name}, rate ${figure(rate)}, seed ${seed}: ${message}`,
    ),
  );
