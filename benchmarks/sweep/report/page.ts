import { readFileSync } from 'node:fs';
import { figure, percentage } from '../../../examples/race/src/figures.ts';
import { longDuration } from '../progress/words.ts';
import { recordedOf, recordedScores, withinRecorded } from '../results/recorded.ts';
import type { OptimizerResults, SweepResults, TaskResults } from '../results/results.ts';
import { runsAtBest, standings } from '../results/standings.ts';
import { caveats, spread, winnerCells, winnerHeads, winners } from '../results/tables.ts';
import { heatMap } from './heat-map.ts';
import { legendEntries, pageSize, testPlots, trainPlots } from './task-figures.ts';
import { escaped } from './text.ts';

const text = (file: URL): string => readFileSync(file, 'utf8');
const theme = new URL('./theme.css', import.meta.url);
const figures = new URL('./figures.css', import.meta.url);
const layout = new URL('./page.css', import.meta.url);
const buttons = new URL('./page.js', import.meta.url);

/** Styles of figures, with light and dark colours: for pictures that stand alone. */
export const pictureCss = (): string => `${text(theme)}${text(figures)}`;

/** The results as one HTML page that needs nothing else. */
export const page = (results: SweepResults): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Learning-rate sweep</title>
<style>${text(theme)}${text(figures)}${text(layout)}</style>
</head>
<body>
<main>
<h1>Learning-rate sweep</h1>
<p>${lede(results)}</p>
${caveats(results)
  .map((caveat) => `<p class="caveat">${escaped(caveat)}</p>`)
  .join('\n')}
${(['train', 'test'] as const).map((measure) => card(winnersTable(results, measure), heatMap(results, measure))).join('\n')}
${legend(results)}
${results.tasks.map(taskCard).join('\n')}
<p class="note">${made(results)}</p>
</main>
<script>${text(buttons)}</script>
</body>
</html>
`;

const card = (...parts: readonly (string | undefined)[]): string =>
  parts.some((part) => part !== undefined)
    ? `<section class="card">${parts.map((part) => (part === undefined ? '' : `<div class="scroll">${part}</div>`)).join('\n')}</section>`
    : '';

const lede = ({ tasks, seeds }: SweepResults): string =>
  `${tasks.length === 1 ? 'One task' : `${tasks.length} tasks`}; per optimizer the learning rate is searched with seed 0, and ${
    seeds === 1 ? 'no other seed is run' : `${seeds} seeds are run at the best`
  }. On the left of every task the best run of each optimizer, on the right learning rate against the smallest loss of a run.
  Dashed, with rings: recorded with PyTorch. Points tell their values; the buttons hide and show optimizers.`;

const made = ({ made: { finishedAt, node, cpu, runSeconds }, backend }: SweepResults): string =>
  escaped(
    `Optimizers on the ${backend} backend, gradients by jax-js. ${longDuration(1000 * runSeconds)} of runs on ${cpu}, Node ${node}, ${finishedAt.slice(0, 10)}.`,
  );

const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  `<table><thead><tr>${heads.map((head) => `<th scope="col">${escaped(head)}</th>`).join('')}</tr></thead><tbody>${rows
    .map(
      ([head = '', ...cells]) =>
        `<tr><th scope="row">${escaped(head)}</th>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`,
    )
    .join('')}</tbody></table>`;

const winnersTable = (results: SweepResults, measure: 'train' | 'test'): string | undefined => {
  const rows = winners(results, measure).map(winnerCells);
  return rows.length > 0 ? table(winnerHeads(measure), rows) : undefined;
};

const legend = ({ tasks }: SweepResults): string => {
  const button = (label: string, swatch: string, selector: string, hides: string) =>
    `<button type="button" aria-pressed="true" data-selector="${escaped(selector)}" data-hides="${hides}">${swatch}${escaped(label)}</button>`;
  const entries = legendEntries(tasks).map(({ name, label, colour, recorded }) =>
    button(
      label,
      `<span class="swatch${recorded ? ' dashed' : ''}" style="--colour:${colour}"></span>`,
      `.series[data-optimizer="${name}"]`,
      'hidden',
    ),
  );
  const torch = button(
    'PyTorch',
    '<span class="swatch dashed" style="--colour:var(--muted)"></span>',
    '.series.recorded',
    'hidden-recorded',
  );
  return `<nav class="legend">${entries.join('')}${torch}</nav>`;
};

const taskCard = (task: TaskResults): string => {
  const plots = [...trainPlots(task, pageSize), ...(testPlots(task, pageSize) ?? [])].map(
    (drawing) => `<svg class="figure" viewBox="0 0 ${pageSize.width} ${pageSize.height}" role="img">${drawing}</svg>`,
  );
  return `<section class="card" id="${task.name}"><h2>${task.name}</h2><p class="note">${task.steps} steps${
    task.smoothingSigma > 0 ? `, losses smoothed with σ = ${task.smoothingSigma} steps; those recorded over steps are single ones` : ''
  }</p><div class="pair">${plots.join('\n')}</div><details><summary>numbers</summary><div class="scroll">${numbers(task)}</div></details></section>`;
};

const numbers = (task: TaskResults): string => {
  const torch = recordedOf(task)?.optimizers ?? {};
  const order = standings(task, 'train');
  const rows = order.map((standing) => {
    const own = task.optimizers.find(({ name }) => name === standing.name);
    const reference = torch[standing.name];
    const scores = reference === undefined ? [] : recordedScores(reference);
    const [first = Number.NaN] = standing.values;
    return [
      standing.label,
      figure(standing.rate),
      spread(standing),
      testCell(own),
      reference === undefined ? '–' : figure(reference.bestLearningRate),
      reference === undefined ? '–' : scores.map(figure).join(', '),
      reference === undefined ? '–' : withinRecorded(task.name, first, reference) ? 'yes' : 'no',
    ];
  });
  return table(['by training loss', 'best rate', 'mean (range)', 'test loss, accuracy', 'PyTorch: rate', 'by seed', 'within spread'], rows);
};

/** The smallest test loss and the largest accuracy of any run of the search. */
const testCell = (optimizer: OptimizerResults | undefined): string => {
  const runs = optimizer === undefined ? [] : [...optimizer.search, ...runsAtBest(optimizer)].filter(({ seed }) => seed === 0);
  const losses = runs.flatMap(({ bestTestLoss }) => (bestTestLoss === null ? [] : [bestTestLoss]));
  const accuracies = runs.flatMap(({ bestTestAccuracy }) => (bestTestAccuracy === null ? [] : [bestTestAccuracy]));
  if (losses.length === 0) return '–';
  return [figure(Math.min(...losses)), ...(accuracies.length > 0 ? [percentage(Math.max(...accuracies))] : [])].join(', ');
};
