/// <reference lib="dom" preserve="true" />
import { around, Plot } from '../charts/plot.ts';
import { type Entrant, entrants } from '../race/entrants.ts';
import type { LaneState } from '../race/race.ts';
import { opened, remember } from './address.ts';
import type { Reply, Request } from './messages.ts';

/** Nine rates around that of the race, a factor of √10 apart. */
const multiples: readonly number[] = Array.from({ length: 9 }, (_, i) => 10 ** ((i - 4) / 2));
const most = 4;
const usual: ReadonlySet<string> = new Set(['soap-normalize-ema', 'adamw', 'sgd']);

const here = document.querySelector<HTMLElement>('.bowl');
if (here) bowl(here);

function bowl(root: HTMLElement): void {
  const run = root.querySelector<HTMLButtonElement>('button[name=run]');
  const steps = root.querySelector<HTMLInputElement>('input[name=steps]');
  const says = root.querySelector('output');
  const chosen = root.querySelector<HTMLElement>('.chosen');
  const parent = root.querySelector<HTMLElement>('.chart');
  if (!run || !steps || !says || !chosen || !parent) return;
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  const ask = (request: Request): void => worker.postMessage(request);
  const boxes = entrants.map((entrant) => ({ entrant, input: checkbox(chosen, entrant) }));
  let field: readonly Entrant[] = [];
  let means: number[] = [];
  let [plot, started, running, done, step]: [Plot | undefined, boolean, boolean, boolean, number] = [undefined, false, false, false, 0];

  const length = (): number => Math.min(2000, Math.max(1, Math.round(Number(steps.value)) || 200));
  const draw = (): void => {
    const rows = field.map((_, i) =>
      means.slice(9 * i, 9 * i + 9).map((mean) => (Number.isFinite(mean) && mean < 8 ? Math.max(1e-6, mean) : null)),
    );
    plot?.set(() => [multiples, ...rows]);
  };
  const limit = (): void => {
    const count = boxes.filter(({ input }) => input.checked).length;
    for (const { input } of boxes) input.disabled = (started && !done) || (count >= most && !input.checked);
    run.disabled = count === 0;
    run.textContent = running ? 'Pause' : started && !done ? 'Go on' : 'Run';
  };
  const start = (): void => {
    field = boxes.filter(({ input }) => input.checked).map(({ entrant }) => entrant);
    means = field.flatMap(() => multiples.map(() => Number.NaN));
    [started, done, step] = [true, false, 0];
    plot?.dispose();
    plot = plotOf(parent, field);
    const lanes = field.flatMap(({ name, options: standard }) =>
      multiples.map((multiple) => ({ optimizer: name, options: { learningRate: multiple * Number(standard['learningRate']) } })),
    );
    says.value = 'compiling …';
    ask({
      kind: 'start',
      settings: { task: 'mlp', seed: 0, batch: 64, lanes },
      steps: length(),
      data: new URL('../data/', import.meta.url).href,
    });
    ask({ kind: 'go' });
  };
  const take = (states: readonly (readonly LaneState[])[]): void => {
    for (const all of states) {
      step += 1;
      const weight = Math.max(0.1, 1 / step);
      all.forEach(({ loss }, lane) => {
        const before = means[lane] ?? Number.NaN;
        means[lane] = step === 1 ? loss : before + weight * (loss - before);
      });
    }
    says.value = `step ${step}`;
    draw();
  };

  worker.addEventListener('message', ({ data: reply }: MessageEvent<Reply>) => {
    if (reply.kind === 'progress') take(reply.states);
    if (reply.kind === 'state') {
      [running, done] = [reply.running, reply.done];
      if (done) says.value = `done: ${step} steps`;
      limit();
    }
    if (reply.kind === 'failed') says.value = `failed: ${reply.message}`;
  });
  run.addEventListener('click', () => {
    if (running) ask({ kind: 'pause' });
    else if (started && !done) ask({ kind: 'go' });
    else start();
  });
  const keep = (): void => {
    const names = boxes.filter(({ input }) => input.checked).map(({ entrant }) => entrant.name);
    remember(`steps=${length()}&optimizers=${names.join(',')}`);
  };
  for (const { input } of boxes)
    input.addEventListener('change', () => {
      limit();
      keep();
    });
  steps.addEventListener('change', keep);
  opened((state) => {
    const said = new URLSearchParams(state);
    steps.value = String(Number(said.get('steps')) || 200);
    const names = said.get('optimizers')?.split(',') ?? [...usual];
    for (const { entrant, input } of boxes) input.checked = names.includes(entrant.name);
    for (const { input } of boxes.filter((box) => box.input.checked).slice(most)) input.checked = false;
    limit();
  });
}

function checkbox(parent: HTMLElement, { name, label, colour }: Entrant): HTMLInputElement {
  const [box, input, dot] = [document.createElement('label'), document.createElement('input'), document.createElement('i')];
  Object.assign(input, { type: 'checkbox', name, checked: usual.has(name) });
  dot.className = 'dot';
  dot.style.background = colour;
  box.append(input, dot, label);
  parent.append(box);
  return input;
}

/** Loss over multiples of the rate of the race, both logarithmic. */
const plotOf = (parent: HTMLElement, field: readonly Entrant[]): Plot =>
  new Plot(parent, {
    lines: field.map(({ label, colour }) => ({ label, colour, points: 7 })),
    x: {
      logarithmic: true,
      range: () => [0.008, 125],
      marks: multiples,
      say: (mark, i) => (i % 2 === 0 ? `×${Number(mark.toPrecision(2))}` : ''),
    },
    y: { logarithmic: true, range: around([0.5, 3], 1.2) },
    highest: 420,
  });
