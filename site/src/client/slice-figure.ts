/// <reference lib="dom" preserve="true" />
import { paint } from '../charts/heat-map.ts';
import { extentOf } from '../lens/extent.ts';
import type { Plane } from '../lens/slice.ts';
import type { Entrant } from '../race/entrants.ts';
import { finder } from './page.ts';

const svg = 'http://www.w3.org/2000/svg';

/** The loss over a plane, which fills in row by row, and the paths that lie on it. */
export class SliceFigure {
  private readonly find: ReturnType<typeof finder>;
  private entrants: readonly Entrant[] = [];
  private losses: Float64Array = new Float64Array(0);
  private size = 0;

  constructor(root: ParentNode) {
    this.find = finder(root);
  }

  clear(entrants: readonly Entrant[]): void {
    this.entrants = entrants;
    for (const [i, which] of ['first', 'second'].entries()) {
      this.find(`.dot.${which}`, HTMLElement).style.background = entrants[i]?.colour ?? '';
      this.find(`.${which}-name`, HTMLElement).textContent = entrants[i]?.label ?? '';
    }
    this.find('.slice', HTMLElement).hidden = true;
    this.find('.about-slice', HTMLElement).textContent =
      'When the run is over: training loss over the two leading directions of both paths.';
  }

  begin(paths: Plane['paths'], share: number, size: number): void {
    [this.losses, this.size] = [new Float64Array(size * size).fill(Number.NaN), size];
    this.find('.slice', HTMLElement).hidden = false;
    this.find('.about-slice', HTMLElement).textContent =
      `Training loss of 256 samples over the two leading directions of both paths, ${Math.round(100 * share)} % of all they moved; dark is low. The paths themselves leave this plane: the loss at a point of theirs is another.`;
    const { x, y } = extentOf(paths);
    const place = ([a, b]: readonly [number, number]): string =>
      `${((100 * (a - x[0])) / (x[1] - x[0])).toFixed(2)},${(100 - (100 * (b - y[0])) / (y[1] - y[0])).toFixed(2)}`;
    this.find('.slice svg', SVGElement).replaceChildren(
      ...paths.flatMap((path, i) => {
        const colour = this.entrants[i]?.colour ?? '';
        return [line(path.map(place), '#fff', 4), line(path.map(place), colour, 2)];
      }),
    );
    this.draw();
  }

  row(row: number, losses: Float64Array): void {
    this.losses.set(losses, row * this.size);
    this.draw();
  }

  /** Logarithmic between the lowest and the highest; the highest y is on top. */
  private draw(): void {
    const logs = this.losses.map(Math.log);
    const finite = logs.filter(Number.isFinite);
    const [low, high] = [Math.min(...finite), Math.max(...finite)];
    const shares = logs.map((_, i) => {
      const [row, column] = [Math.floor(i / this.size), i % this.size];
      const value = logs[(this.size - 1 - row) * this.size + column] ?? Number.NaN;
      return Number.isFinite(value) ? (value - low) / (high - low || 1) : Number.NaN;
    });
    paint(this.find('.slice canvas', HTMLCanvasElement), this.size, this.size, shares);
  }
}

function line(points: readonly string[], colour: string, width: number): SVGElement {
  const element = document.createElementNS(svg, 'polyline');
  for (const [name, value] of Object.entries({
    points: points.join(' '),
    fill: 'none',
    stroke: colour,
    'stroke-width': `${width}`,
    'vector-effect': 'non-scaling-stroke',
  }))
    element.setAttribute(name, value);
  return element;
}
