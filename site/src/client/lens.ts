/// <reference lib="dom" preserve="true" />
import { type LensSettings, layers } from '../lens/settings.ts';
import { entrantNamed, entrants } from '../race/entrants.ts';
import { opened, remember } from './address.ts';
import { BasisFigure, MapsFigure, SpectraFigure } from './lens-figures.ts';
import type { LensReply, LensRequest } from './lens-messages.ts';
import { finder } from './page.ts';
import { SliceFigure } from './slice-figure.ts';

const here = document.querySelector<HTMLElement>('.lens');
if (here) lens(here);

function lens(root: HTMLElement): void {
  const find = finder(root);
  const select = (name: string): HTMLSelectElement => find(`select[name=${name}]`, HTMLSelectElement);
  const input = (name: string): HTMLInputElement => find(`input[name=${name}]`, HTMLInputElement);
  const [run, says] = [find('button[name=run]', HTMLButtonElement), find('output', HTMLOutputElement)];
  const sections = [...root.querySelectorAll<HTMLElement>('section')];
  const worker = new Worker(new URL('./lens-worker.js', import.meta.url), { type: 'module' });
  const ask = (request: LensRequest): void => worker.postMessage(request);
  const figures = {
    basis: new BasisFigure(root),
    spectra: new SpectraFigure(root),
    maps: new MapsFigure(root),
    slice: new SliceFigure(root),
  };
  let [started, running, step] = [false, false, 0];
  let show = 'all';

  const chosen = (): LensSettings => ({
    optimizers: [select('optimizer').value, select('against').value],
    layer: select('layer').value,
    steps: whole(input('steps').value, 40, 2000, 300),
    seed: whole(input('seed').value, 0, 2 ** 31, 0),
  });
  const keep = (): void => {
    const { optimizers, layer, steps, seed } = chosen();
    remember(`optimizer=${optimizers[0]}&against=${optimizers[1]}&layer=${layer}&steps=${steps}&seed=${seed}&show=${show}`);
  };
  const label = (): void => {
    run.textContent = running ? 'Pause' : started ? 'Go on' : 'Run';
  };
  const reset = (): void => {
    if (started) ask({ kind: 'pause' });
    [started, running, step] = [false, false, 0];
    says.value = 'ready';
    const { optimizers, steps } = chosen();
    figures.basis.clear(steps);
    figures.spectra.clear(steps);
    figures.maps.clear();
    figures.slice.clear(optimizers.map(entrantNamed));
    label();
  };

  worker.addEventListener('message', ({ data: reply }: MessageEvent<LensReply>) => {
    if (!started) return;
    if (reply.kind === 'glimpses') {
      step = reply.glimpses.at(-1)?.step ?? step;
      const losses = reply.glimpses.at(-1)?.losses ?? [];
      if (losses.length > 0) says.value = `step ${step}: loss ${losses.map((loss) => loss.toPrecision(3)).join(' beside ')}`;
      figures.basis.add(reply.glimpses);
      figures.spectra.add(reply.glimpses);
      if (reply.maps) figures.maps.show(reply.maps);
    }
    if (reply.kind === 'plane') figures.slice.begin(reply.paths, reply.share, reply.size);
    if (reply.kind === 'row') figures.slice.row(reply.row, reply.losses);
    if (reply.kind === 'state') {
      running = reply.running;
      if (reply.done && !running) {
        says.value = `done: ${step} steps`;
        started = false;
      }
      label();
    }
    if (reply.kind === 'failed') {
      reset();
      says.value = `failed: ${reply.message}`;
    }
  });
  run.addEventListener('click', () => {
    if (running) ask({ kind: 'pause' });
    else if (started) ask({ kind: 'go' });
    else {
      reset();
      started = true;
      says.value = 'compiling …';
      ask({ kind: 'start', settings: chosen(), data: new URL('../data/', import.meta.url).href });
    }
  });
  for (const control of [select('optimizer'), select('against'), select('layer'), input('steps'), input('seed')])
    control.addEventListener('change', () => {
      reset();
      keep();
    });

  for (const name of ['optimizer', 'against']) for (const entrant of entrants) select(name).append(new Option(entrant.label, entrant.name));
  for (const { name, shape } of layers) select('layer').append(new Option(`${name}, ${shape.join(' × ')}`, name));
  opened((state) => {
    const said = new URLSearchParams(state);
    const among = (name: string, fallback: string): void => {
      const wanted = said.get(name);
      select(name).value = [...select(name).options].some(({ value }) => value === wanted) && wanted !== null ? wanted : fallback;
    };
    among('optimizer', 'soap');
    among('against', 'adamw');
    among('layer', 'layer1.weight');
    input('steps').value = String(whole(said.get('steps'), 40, 2000, 300));
    input('seed').value = String(whole(said.get('seed'), 0, 2 ** 31, 0));
    show = sections.some(({ dataset }) => dataset['lens'] === said.get('show')) ? (said.get('show') ?? 'all') : 'all';
    for (const section of sections) section.hidden = show !== 'all' && section.dataset['lens'] !== show;
    reset();
  });
}

/** A whole number within limits, else the fallback. */
function whole(text: string | null, least: number, most: number, fallback: number): number {
  const value = Number(text ?? Number.NaN);
  return Number.isInteger(value) && value >= least && value <= most ? value : fallback;
}
