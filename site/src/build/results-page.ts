import { readFileSync } from 'node:fs';
import { escaped } from './escaped.ts';
import { inRepository } from './repository.ts';

interface Row {
  readonly name: string;
  readonly median: number | null;
  readonly ratio: number | null;
}

interface Comparison {
  readonly section: string;
  readonly title: string;
  readonly rows: readonly Row[];
}

interface SweepTask {
  readonly name: string;
  readonly optimizers: readonly { readonly name: string }[];
}

const readJson = (path: string): unknown => JSON.parse(readFileSync(inRepository(path), 'utf8'));

/** The ten tasks, MNIST-1D and speed, from the files of the last full runs. */
export function resultsPage(): string {
  const readme = readFileSync(inRepository('README.md'), 'utf8');
  const tasks = tableAfter(readme, '| mean of 3 seeds (range)');
  const race = tableAfter(readme, '| | best training loss');
  return [
    '---',
    'title: Results',
    '---',
    '# Results',
    '<p class="lead">Measured by programs of this repository. Every picture is drawn from a file that you can download.</p>',
    '',
    '## Ten tasks',
    figure(
      'summary-train',
      'Smallest training loss of eleven optimizers on ten tasks',
      'Smallest training loss, mean of three seeds, each optimizer at the rate that is best on seed 0. Full colour is the best of its row.',
    ),
    '<div class="scroll" tabindex="0" role="group" aria-label="Ten tasks">',
    '',
    tasks,
    '',
    '</div>',
    '',
    'SOAP + normalize-EMA has the smallest mean training loss on seven of ten. Of the four tasks on which PyTorch’s runs leave no doubt it is first on three, on every seed, and level with Muon + normalize-EMA on `matrix-inverse-l1`. On the others rounding, the seed or 1 % decides, or somebody else is first; by test loss it is first on two of six.',
    '',
    figure('summary-test', 'Smallest test loss on the six tasks that have one', 'The same runs by their smallest test loss.'),
    '',
    '<p class="download"><a href="./data/sweep.json" download>sweep.json</a>: every run, 424 kB</p>',
    '',
    '## Task by task',
    '<div class="gallery">',
    ...taskNames().map(
      (name) =>
        `<figure><img src="/pictures/${name}.svg" alt="Losses of eleven optimizers on ${name}" loading="lazy" width="640" height="400"><figcaption><code>${name}</code></figcaption></figure>`,
    ),
    '</div>',
    '',
    '## MNIST-1D',
    'A four-layer MLP, batches of 64, a thousand steps, each optimizer at its best recorded rate. [Run it here](./playground.html).',
    '',
    race,
    '',
    '## Speed',
    'One step, on two shared cores of an AMD EPYC under Node 20, one thread on either side. Only ratios from one run count: a bar is the time of a step beside ours, on a logarithmic axis; to the left of the line is faster than ours.',
    '',
    bars(comparisons('benchmarks/results/node20-x64.json').filter(({ section }) => section === 'steps')),
    '',
    'With `@opt/backend-onnx` in Node, in another run:',
    '',
    bars(comparisons('benchmarks/results/node20-x64-onnx.json')),
    '',
    '<p class="download"><a href="./data/node20-x64.json" download>node20-x64.json</a>, <a href="./data/node20-x64-onnx.json" download>node20-x64-onnx.json</a>: medians, least times, machine and versions</p>',
    '',
    'No GPU has been at hand: what a step costs on WebGPU is counted, not timed.',
    '',
  ].join('\n');
}

const figure = (name: string, alt: string, caption: string): string =>
  `<figure class="picture"><img src="/pictures/${name}.svg" alt="${alt}" width="900" height="520"><figcaption>${caption}</figcaption></figure>\n`;

/** A table of the README, from the line that begins so. */
function tableAfter(text: string, start: string): string {
  const from = text.indexOf(start);
  if (from < 0) throw new Error(`README.md has no table '${start}'`);
  return text.slice(from, text.indexOf('\n\n', from)).replace(/^\| \|/, '| optimizer |');
}

const isTask = (value: unknown): value is SweepTask =>
  typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string';

function taskNames(): string[] {
  const sweep = readJson('benchmarks/results/sweep.json');
  const tasks: unknown = typeof sweep === 'object' && sweep !== null && 'tasks' in sweep ? sweep.tasks : [];
  return (Array.isArray(tasks) ? tasks : []).filter(isTask).map(({ name }) => name);
}

const isComparison = (value: unknown): value is Comparison =>
  typeof value === 'object' && value !== null && 'rows' in value && 'title' in value;

function comparisons(path: string): readonly Comparison[] {
  const bench = readJson(path);
  const found: unknown = typeof bench === 'object' && bench !== null && 'comparisons' in bench ? bench.comparisons : [];
  return (Array.isArray(found) ? found : []).filter(isComparison);
}

/** Times beside ours: a bar from 1/16 to 64 times. */
function bars(all: readonly Comparison[]): string {
  const [least, most] = [Math.log2(1 / 16), Math.log2(64)];
  const share = (ratio: number): number => (100 * (Math.min(most, Math.max(least, Math.log2(ratio))) - least)) / (most - least);
  const one = share(1);
  const groups = all.map(({ title, rows }) => {
    const others = rows.filter(({ name, ratio }) => ratio !== null && name !== 'ours');
    const lines = others.map(({ name, ratio }) => {
      const at = share(ratio ?? 1);
      const [from, length] = at < one ? [at, one - at] : [one, at - one];
      return `<div class="bar"><span>${escaped(name)}</span><span class="track"><i class="${at < one ? 'faster' : 'slower'}" style="left:${from.toFixed(1)}%;width:${Math.max(0.4, length).toFixed(1)}%"></i></span><b>${Number((ratio ?? 1).toPrecision(2))}×</b></div>`;
    });
    return lines.length === 0 ? '' : `<section><h3>${escaped(title)}</h3>${lines.join('')}</section>`;
  });
  return `<div class="bars" v-pre>${groups.join('')}</div>\n`;
}
