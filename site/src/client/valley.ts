/// <reference lib="dom" preserve="true" />
import { loss, type Path, paths, type Valley } from '../valley/valley.ts';
import { opened, remember } from './address.ts';

/** Half of what is seen of the plane. */
const reach = 2.6;
const levels = 14;
const name = 'http://www.w3.org/2000/svg';

const here = document.querySelector<HTMLElement>('.valley');
if (here) valley(here);

function valley(root: HTMLElement): void {
  const sliders = [...root.querySelectorAll<HTMLInputElement>('input[type=range]')];
  const [plane, curves] = [...root.querySelectorAll<SVGSVGElement>('svg')];
  const says = root.querySelector('output');
  if (!plane || !curves || !says) return;
  const chosen = (which: string): number => Number(sliders.find((slider) => slider.name === which)?.value ?? 0);
  let due = false;

  const draw = (): void => {
    due = false;
    const now: Valley = { angle: chosen('angle'), condition: Math.round(10 ** chosen('condition')) };
    const found = paths(now);
    plane.replaceChildren(...contours(now), ...found.flatMap(trail));
    curves.replaceChildren(...found.map((path) => curve(path, found)));
    says.value = `turned by ${now.angle}°, ${now.condition} times steeper across; after 60 steps ${found.map(({ label, losses }) => `${label} ${(losses[60] ?? 0).toPrecision(2)}`).join(', ')}`;
    remember(`angle=${now.angle}&condition=${chosen('condition')}`);
  };

  for (const slider of sliders) {
    slider.addEventListener('input', () => {
      if (!due) setTimeout(draw, 30);
      due = true;
    });
  }
  opened((state) => {
    for (const [, which = '', value = ''] of state.matchAll(/(angle|condition)=([\d.]+)/g))
      for (const slider of sliders) if (slider.name === which) slider.value = value;
    draw();
  });
}

function svg(tag: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const element = document.createElementNS(name, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

/** Ellipses of equal loss, each twice as high as the one inside of it. */
function contours(now: Valley): SVGElement[] {
  const highest = loss(now, [reach, reach]).value + now.condition;
  return Array.from({ length: levels }, (_, i) => {
    const height = highest / 2 ** (i + 1);
    return svg('ellipse', {
      class: 'contour',
      rx: Math.sqrt(2 * height),
      ry: Math.sqrt((2 * height) / now.condition),
      transform: `rotate(${-now.angle})`,
    });
  });
}

function trail({ colour, points }: Path): SVGElement[] {
  const inside = points.map(([x, y]) => `${x.toFixed(3)},${(-y).toFixed(3)}`);
  return [
    svg('polyline', { points: inside.join(' '), fill: 'none', stroke: colour, 'stroke-width': 0.022 }),
    ...points.filter((_, step) => step % 5 === 0).map(([x, y]) => svg('circle', { cx: x, cy: -y, r: 0.035, fill: colour })),
  ];
}

/** Loss over steps, logarithmic, in a box of 100 × 60. */
function curve({ colour, losses }: Path, all: readonly Path[]): SVGElement {
  const logs = (of: readonly number[]): number[] => of.map((value) => Math.log10(Math.max(1e-7, value)));
  const every = all.flatMap((path) => logs(path.losses));
  const [low, high] = [Math.min(...every), Math.max(...every)];
  const at = logs(losses).map(
    (value, step) => `${((100 * step) / (losses.length - 1)).toFixed(2)},${((58 * (high - value)) / (high - low) + 1).toFixed(2)}`,
  );
  return svg('polyline', { points: at.join(' '), fill: 'none', stroke: colour, 'stroke-width': 0.5 });
}
