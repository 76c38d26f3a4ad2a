import { figure, milliseconds, percentage } from './figures.ts';
import { standings } from './standings.ts';
import { escaped } from './text.ts';
import type { Run } from './train.ts';

/** One column. `value`: what its best is the least of; absent where nothing is better than anything. */
interface Column {
  readonly head: string;
  readonly cell: (run: Run) => string;
  readonly value?: (run: Run) => number;
}

const lastAccuracy = ({ tests }: Run): number => tests.at(-1)?.accuracy ?? Number.NaN;
const most = ({ tests }: Run): number => tests.reduce((top, { accuracy }) => Math.max(top, accuracy), 0);

const columns: readonly Column[] = [
  {
    head: 'Best train loss',
    cell: ({ best }) => `${figure(best.loss)} <small>at step ${best.step}</small>`,
    value: ({ best }) => best.loss,
  },
  {
    head: 'Final train loss',
    cell: ({ diverged, finalLoss }) => (diverged ? 'diverged' : figure(finalLoss)),
    value: ({ diverged, finalLoss }) => (diverged ? Number.NaN : finalLoss),
  },
  {
    head: 'Test accuracy',
    cell: (run) => (run.diverged ? '–' : `${percentage(lastAccuracy(run))} <small>best ${percentage(most(run))}</small>`),
    value: (run) => (run.diverged ? Number.NaN : -lastAccuracy(run)),
  },
  {
    head: 'Per step',
    cell: ({ optimizerMilliseconds }) => milliseconds(optimizerMilliseconds),
    value: ({ optimizerMilliseconds }) => optimizerMilliseconds,
  },
  { head: 'Learning rate', cell: ({ lane }) => figure(lane.learningRate) },
];

/** The runs, best training loss first; in every column the best is bold. Cells carry their column's head, for screens without room for one. */
export const standingsTable = (runs: readonly Run[]): string => {
  const bests = columns.map(({ value }) => Math.min(...runs.map((run) => value?.(run) ?? Number.NaN).filter(Number.isFinite)));
  const rows = standings(runs).map((run) => {
    const dot = `<span class="dot" style="background:${escaped(run.lane.colour)}"></span>`;
    const cells = columns.map(
      ({ head, cell, value }, index) => `<td data-head="${head}"${value?.(run) === bests[index] ? ' class="best"' : ''}>${cell(run)}</td>`,
    );
    return `<tr><th scope="row">${dot}${escaped(run.lane.label)}</th>${cells.join('')}</tr>`;
  });
  const heads = ['Optimizer', ...columns.map(({ head }) => head)].map((head) => `<th scope="col">${head}</th>`);
  return `<table><thead><tr>${heads.join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`;
};
