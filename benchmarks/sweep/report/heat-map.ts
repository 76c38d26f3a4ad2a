import { figure } from '../../../examples/race/src/figures.ts';
import { recordedOf, recordedScores } from '../results/recorded.ts';
import type { SweepResults, TaskResults } from '../results/results.ts';
import { type Measure, standings } from '../results/standings.ts';
import { legendEntries } from './task-figures.ts';
import { escaped } from './text.ts';

const cell = { width: 78, height: 32 };
const left = 150;
const top = 168;
const bottom = 34;
const side = 12;
/** Width of a letter, at most on average. */
const letter = 6.6;
/** The ratio to the best of a row from which on a cell has no colour: test losses lie closer together. */
const fades = { train: 10, test: 2 };

interface Column {
  readonly name: string;
  readonly label: string;
  readonly recorded: boolean;
}

/**
 * Tasks by optimizers as an SVG image: means over the seeds at the best rate. The fuller the colour, the nearer to the best of the row,
 * on a log scale. Undefined where no task has such a loss.
 */
export const heatMap = ({ tasks }: SweepResults, measure: Measure, css = ''): string | undefined => {
  const rows = tasks.filter((task) => standings(task, measure).length > 0);
  if (rows.length === 0) return undefined;
  const columns: readonly Column[] = legendEntries(rows).filter((entry) => measure === 'train' || !entry.recorded);
  const explained = `mean over seeds at the best rate; full colour: best of the row, none: ${fades[measure]} times it or more`;
  // Few columns are narrower than what is said below them, and slanted heads lean out over the last.
  const width = Math.max(left + columns.length * cell.width + 150, 2 * side + letter * explained.length);
  const height = top + rows.length * cell.height + bottom;
  const heads = columns.map(({ label, recorded: only }, index) => {
    const [x, y] = [left + (index + 0.5) * cell.width, top - 10];
    return `<text x="${x}" y="${y}" transform="rotate(-40 ${x} ${y})">${escaped(only ? `${label}, PyTorch` : label)}</text>`;
  });
  const lines = rows.map((task, row) => {
    const y = top + row * cell.height;
    const values = columns.map((column) => measured(task, column, measure));
    const best = Math.min(...values.filter(Number.isFinite));
    const name = `<text x="${left - 10}" y="${y + cell.height / 2}" dy="4" text-anchor="end">${task.name}</text>`;
    return `${name}${values.map((value, column) => cellOf(left + column * cell.width, y, value, best, fades[measure])).join('')}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" class="figure" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">${css === '' ? '' : `<style>${css}</style><rect width="100%" height="100%" fill="var(--card)"/>`}
<text class="title" x="${side}" y="24">${measure === 'train' ? 'Smallest training loss' : 'Smallest test loss'}</text>
${heads.join('')}
${lines.join('\n')}
<text class="tick" x="${side}" y="${height - 12}">${explained}</text>
</svg>
`;
};

const measured = (task: TaskResults, { name, recorded: only }: Column, measure: Measure): number => {
  if (!only) return standings(task, measure).find((standing) => standing.name === name)?.mean ?? Number.NaN;
  const found = recordedOf(task)?.optimizers[name];
  const scores = found === undefined ? [] : recordedScores(found);
  return scores.length > 0 ? scores.reduce((sum, score) => sum + score, 0) / scores.length : Number.NaN;
};

const cellOf = (x: number, y: number, value: number, best: number, fading: number): string => {
  if (Number.isNaN(value)) return '';
  const ratio = value === best ? 1 : value / best;
  const share = Number.isFinite(ratio) ? Math.max(0, 1 - Math.log(ratio) / Math.log(fading)) : 0;
  const opacity = (0.04 + 0.5 * share).toFixed(2);
  const rectangle = `<rect class="cell" x="${x + 1}" y="${y + 1}" width="${cell.width - 2}" height="${cell.height - 2}" rx="4" fill-opacity="${opacity}"/>`;
  const first = value === best ? ' class="first"' : '';
  return `${rectangle}<text${first} x="${x + cell.width / 2}" y="${y + cell.height / 2}" dy="4" text-anchor="middle">${Number.isFinite(value) ? figure(value) : 'diverged'}</text>`;
};
