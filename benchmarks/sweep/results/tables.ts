import { figure } from '../../../examples/race/src/figures.ts';
import { textTable } from '../../../examples/race/src/text-table.ts';
import { geometricMean, timesFewer } from './beside-adamw.ts';
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

/** The winners of every task as text, once by training loss and once by test loss, and how soon optimizers are where AdamW gets. */
export const winnersText = (results: SweepResults): string =>
  (['train', 'test'] as const)
    .map((measure) => ({ measure, lines: winners(results, measure).map(winnerCells) }))
    .filter(({ lines }) => lines.length > 0)
    .map(({ measure, lines }) => textTable([winnerHeads(measure), ...lines]))
    .concat(besideAdamwText(results))
    .join('\n\n');

const besideAdamwText = (results: SweepResults): readonly string[] => {
  const table = besideAdamwTable(results);
  return table.length > 0 ? [textTable(table)] : [];
};

/** How many times fewer steps than tuned AdamW every optimizer needs to AdamW's best loss: geometric means over seeds, then over tasks. */
export const besideAdamwTable = ({ tasks, besideAdamw = [] }: SweepResults): readonly (readonly string[])[] => {
  const labels = new Map(tasks.flatMap(({ optimizers }) => optimizers.map(({ name, label }) => [name, label] as const)));
  const names = [...new Set(besideAdamw.map(({ optimizer }) => optimizer))];
  const rows = names.map((name) => {
    const own = besideAdamw.filter(({ optimizer }) => optimizer === name);
    const byTask = tasks.map((task) => own.filter((run) => run.task === task.name));
    const means = byTask.map((runs) => (runs.length === 0 ? undefined : geometricMean(runs.map(timesFewer))));
    const known = means.flatMap((mean) => mean ?? []);
    const reached = own.filter(({ step }) => step !== null).length;
    return { name, mean: geometricMean(known), cells: [...means.map(times), `${reached} of ${own.length}`, times(geometricMean(known))] };
  });
  if (rows.length === 0) return [];
  const heads = [
    'steps of tuned AdamW ÷ steps to its best loss',
    ...tasks.map(({ name }) => name),
    'runs that got there',
    'geometric mean',
  ];
  return [heads, ...rows.sort((a, b) => b.mean - a.mean).map(({ name, cells }) => [labels.get(name) ?? name, ...cells])];
};

const times = (value: number | undefined): string => (value === undefined ? '–' : value.toPrecision(3));

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
