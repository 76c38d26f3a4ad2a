/// <reference lib="dom" preserve="true" />
import { paint } from '../charts/heat-map.ts';
import { pairs, steps } from '../toys/size.ts';
import { remember as keep, opened } from './address.ts';
import { finder } from './page.ts';
import { toy } from './toy.ts';

const here = document.querySelector<HTMLElement>('.memory');
if (here) memory(here);

function memory(root: HTMLElement): void {
  const find = finder(root);
  const [exponent, turned] = [find('input[name=exponent]', HTMLInputElement), find('input[name=turned]', HTMLInputElement)];
  const [says, parent] = [find('output', HTMLOutputElement), find('.three', HTMLElement)];
  const canvases = new Map<string, HTMLCanvasElement>();

  const ask = toy((reply) => {
    if (reply.kind !== 'memory') return;
    for (const { label, right } of reply.found) {
      const known = canvases.get(label) ?? figure(label);
      canvases.set(label, known);
      // By step and pair as they come, by pair and step as they are seen.
      paint(
        known,
        pairs,
        steps + 1,
        Float64Array.from({ length: right.length }, (_, i) => right[(i % (steps + 1)) * pairs + Math.floor(i / (steps + 1))] ?? 0),
      );
    }
    const when = (right: Float64Array, pair: number): string => {
      for (let step = 0; step <= steps; step++) if ((right[step * pairs + pair] ?? 0) > 0.5) return `after ${step} steps`;
      return `not in ${steps} steps`;
    };
    says.value = `s = ${exponent.value}. The last pair is known ${reply.found.map(({ label, right }) => `${when(right, pairs - 1)} with ${label}, the first ${when(right, 0)}`).join('; ')}.`;
  });
  const figure = (label: string): HTMLCanvasElement => {
    const [whole, canvas, caption] = [
      document.createElement('figure'),
      document.createElement('canvas'),
      document.createElement('figcaption'),
    ];
    caption.textContent = label;
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', `Which pairs ${label} knows after which step`);
    whole.append(canvas, caption);
    parent.append(whole);
    return canvas;
  };
  const changed = (): void => {
    ask({ kind: 'memory', memory: { exponent: Number(exponent.value), turned: turned.checked } });
    keep(`s=${exponent.value}&turned=${turned.checked}`);
  };
  exponent.addEventListener('input', changed);
  turned.addEventListener('change', changed);
  opened((state) => {
    const said = new URLSearchParams(state);
    exponent.value = said.get('s') ?? '1';
    turned.checked = said.get('turned') !== 'false';
    changed();
  });
}
