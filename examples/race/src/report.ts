import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { duration, figure, milliseconds } from './figures.ts';
import { parameterCount, widths } from './model.ts';
import type { RaceOptions } from './options.ts';
import { standings } from './standings.ts';
import { standingsTable } from './standings-table.ts';
import type { SweepPoint } from './sweep.ts';
import { escaped } from './text.ts';
import type { Run } from './train.ts';

const require = createRequire(import.meta.url);

export interface Outcome {
  readonly options: RaceOptions;
  readonly runs: readonly Run[];
  /** Present when learning rates were swept. */
  readonly sweep?: readonly SweepPoint[];
  readonly elapsedMilliseconds: number;
  readonly finishedAt: Date;
  /** What the page says where it is not about the race. */
  readonly words?: PageWords;
}

export interface PageWords {
  readonly title: string;
  /** HTML. */
  readonly lede: string;
  /** Beside the picture of the training loss. */
  readonly note: string;
  readonly settings: readonly (readonly [term: string, text: string])[];
}

/** The outcome as one HTML page that needs nothing else: styles, uPlot, the drawing script and the data are inside. */
export const report = (outcome: Outcome): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${titleOf(outcome)}: ${escaped(outcome.runs.map(({ lane }) => lane.label).join(', '))}</title>
<style>${text(require.resolve('uplot/dist/uPlot.min.css'))}</style>
<style>${text(new URL('./page/page.css', import.meta.url))}</style>
</head>
<body>
<main>
<h1>${titleOf(outcome)}</h1>
<p class="lede">${outcome.words?.lede ?? lede(outcome)}</p>
<section class="card">
<h2>Standings</h2>
<p class="note">By the smallest training loss, smoothed over steps; bold: the best of its column. Time is the optimizer’s share of a step, without the gradients.</p>
${standingsTable(outcome.runs)}
</section>
<section class="card">
<h2>Training loss</h2>
<p class="note">Cross-entropy by step, log scale; bold: smoothed (Gaussian, σ = 8 steps), faint: every batch. ${outcome.words?.note ?? 'All see the same batches.'}</p>
<div id="loss-chart" class="plot tall" role="img" aria-label="Training loss by step for every optimizer"></div>
</section>
<div class="pair">
${outcome.sweep ? sweepCard : ''}
<section class="card">
<h2>Test accuracy</h2>
<p class="note">On 1,000 signals not trained on, by step.</p>
<div id="accuracy-chart" class="plot" role="img" aria-label="Test accuracy by step for every optimizer"></div>
</section>
</div>
${outcome.runs.some(({ measures }) => measures.length > 0) ? measureCards : ''}
<section class="card">
<h2>Settings</h2>
<dl>${settings(outcome)}</dl>
</section>
<footer>
<p>Data: MNIST-1D by Sam Greydanus and contributors, Apache License 2.0, rounded to float32. Charts: uPlot, MIT licence.</p>
</footer>
</main>
<script type="application/json" id="race-data">${json(pageData(outcome))}</script>
<script>/*!
uPlot

${text(require.resolve('uplot/LICENSE')).trim()}
*/
${text(require.resolve('uplot/dist/uPlot.iife.min.js'))}</script>
<script>${text(new URL('./page/page.js', import.meta.url))}</script>
</body>
</html>
`;

const sweepCard = `<section class="card">
<h2>Learning rate and loss</h2>
<p class="note">Smallest smoothed training loss of a run against its learning rate, both logarithmic; × at the top: diverged.</p>
<div id="sweep-chart" class="plot" role="img" aria-label="Best training loss by learning rate for every optimizer"></div>
</section>`;

const measureCards = `<div class="pair">
<section class="card">
<h2>Update ÷ weights</h2>
<p class="note">‖Δp‖/‖p‖ over the whole model in every 50th step, log scale.</p>
<div id="update-chart" class="plot" role="img" aria-label="Norm of the update over that of the weights by step for every optimizer"></div>
</section>
<section class="card">
<h2>Gradient norm</h2>
<p class="note">‖g‖ over the whole model in every 50th step, log scale.</p>
<div id="gradient-chart" class="plot" role="img" aria-label="Norm of the gradient by step for every optimizer"></div>
</section>
</div>`;

const titleOf = ({ words }: Outcome): string => escaped(words?.title ?? 'The race');

const lede = ({ runs, options }: Outcome): string => {
  const [first, second] = standings(runs).filter(({ diverged }) => !diverged);
  const what = `${runs.length === 1 ? 'One optimizer' : `${runs.length} optimizers`}, one MLP, the same initial weights and the same ${options.steps.toLocaleString('en')} batches of MNIST&#8209;1D.`;
  if (first === undefined) return `${what} Every run diverged.`;
  return `${what} <strong>${escaped(first.lane.label)}</strong> came down to a training loss of <strong>${figure(first.best.loss)}</strong>${lead(first, second)}.`;
};

const lead = (first: Run, second: Run | undefined): string => {
  if (second === undefined) return '';
  const ratio = second.best.loss / first.best.loss;
  return ratio < 1.05
    ? `, just below ${escaped(second.lane.label)}`
    : `, ${ratio.toPrecision(2)} times below ${escaped(second.lane.label)}`;
};

const settings = ({ runs, options, sweep, elapsedMilliseconds, finishedAt, words }: Outcome): string => {
  const gradients = runs.reduce((sum, run) => sum + run.gradientMilliseconds, 0) / runs.length;
  const ran = `${duration(elapsedMilliseconds)} on Node ${process.versions.node}, ${process.platform} ${process.arch}, ${finishedAt.toISOString().slice(0, 10)}`;
  const rows: readonly (readonly [string, string])[] = words?.settings ?? [
    ['Model', `${widths.join(' – ')}, ReLU between layers, ${parameterCount.toLocaleString('en')} parameters, cross-entropy`],
    ['Data', 'MNIST-1D: 4,000 signals of 40 samples to train on, 1,000 to test, 10 classes'],
    [
      'Training',
      `${options.steps.toLocaleString('en')} steps, batches of ${options.batch}, seed ${options.seed}, constant rate, no weight decay`,
    ],
    ['Optimizers', `@opt on the ${options.backend} backend`],
    ['Gradients', `jax-js, jit(valueAndGrad) on WebAssembly, ${milliseconds(gradients)} a step`],
    ...(sweep ? [['Sweep', 'five learning rates per optimizer, half a decade apart'] satisfies [string, string]] : []),
  ];
  return [...rows, ['Run', ran] as const].map(([term, text]) => `<dt>${term}</dt><dd>${escaped(text)}</dd>`).join('');
};

/** What page.js draws. Six digits are more than a pixel can show. */
const pageData = ({ runs, sweep }: Outcome) => ({
  lanes: runs.map(({ lane: { name, label, colour }, losses, smoothedLosses, tests, measures }) => ({
    name,
    label,
    colour,
    losses: losses.map(brief),
    smoothed: smoothedLosses.map(brief),
    updates: measures.map(({ step, updateRatio }) => [step, brief(updateRatio)]),
    gradients: measures.map(({ step, gradientNorm }) => [step, brief(gradientNorm)]),
    tests: tests.map(({ afterStep, accuracy }) => [afterStep, brief(100 * accuracy)]),
  })),
  sweep: sweep
    ? runs.map(({ lane: { name, label, colour } }) => ({
        name,
        label,
        colour,
        points: sweep
          .filter((point) => point.name === name)
          .map(({ learningRate, bestLoss, diverged }) => ({ learningRate: brief(learningRate), bestLoss: brief(bestLoss), diverged })),
      }))
    : null,
});

const brief = (value: number): number => Number(value.toPrecision(6));

/** JSON that cannot end the script element it stands in. */
const json = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');

const text = (file: string | URL): string => readFileSync(file, 'utf8');
