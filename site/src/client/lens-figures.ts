/// <reference lib="dom" preserve="true" />
import { logarithmicShares, paint, rampAt } from '../charts/heat-map.ts';
import { around, type Line, Plot } from '../charts/plot.ts';
import type { Glimpse, HeatMap } from '../lens/lens.ts';
import { finder } from './page.ts';

const sides: readonly string[] = ['#3b7dd8', '#e8890c'];
const toStep = (steps: number) => (): readonly [number, number] => [0, steps];

/** How a basis turns, and what it makes of the covariance. */
export class BasisFigure {
  private readonly find: ReturnType<typeof finder>;
  private plots: readonly [Plot, Plot] | undefined;
  private steps: number[] = [];
  private turns: (number | null)[][] = [[], []];
  private shares: (number | null)[][] = [[], [], [], []];

  constructor(root: ParentNode) {
    this.find = finder(root);
  }

  clear(steps: number): void {
    [this.steps, this.turns, this.shares] = [[], [[], []], [[], [], [], []]];
    for (const plot of this.plots ?? []) plot.dispose();
    this.find('.none', HTMLElement).hidden = true;
    const turned = new Plot(this.find('.turned', HTMLElement), {
      lines: sides.map((colour, i) => ({ label: i === 0 ? 'outputs' : 'inputs', colour, points: 4, width: 1 })),
      x: { range: toStep(steps) },
      y: { range: (_, most) => [0, Math.max(10, 1.1 * (most ?? 0))], say: (mark) => `${mark}°` },
      highest: 300,
    });
    const diagonal = new Plot(this.find('.diagonal', HTMLElement), {
      lines: sides.flatMap((colour, i): Line[] => {
        const label = i === 0 ? 'outputs' : 'inputs';
        return [
          { label, colour },
          { label: `${label}, without a basis`, colour, width: 1, dash: [4, 4] },
        ];
      }),
      x: { range: toStep(steps) },
      y: { range: () => [0, 1], say: (mark) => `${Math.round(100 * mark)} %` },
      highest: 300,
    });
    this.plots = [turned, diagonal];
  }

  add(glimpses: readonly Glimpse[]): void {
    for (const { step, axes } of glimpses) {
      this.steps.push(step);
      this.find('.none', HTMLElement).hidden = axes.length > 0;
      for (const i of [0, 1]) {
        const axis = axes[i];
        this.turns[i]?.push(axis?.turned ?? null);
        this.shares[2 * i]?.push(axis?.diagonality ?? null);
        this.shares[2 * i + 1]?.push(axis?.diagonalityWithout ?? null);
      }
    }
    this.plots?.[0].set(() => [this.steps, ...this.turns]);
    this.plots?.[1].set(() => [this.steps, ...this.shares]);
  }
}

const spectra = ['gradient', 'update', 'weight'] as const;

/** The largest, the 2nd, 4th, 8th … and the smallest of `count`, from 0. */
const ranksOf = (count: number): readonly number[] => [
  ...Array.from({ length: Math.ceil(Math.log2(count)) }, (_, i) => 2 ** i - 1),
  count - 1,
];

/** Singular values over steps. */
export class SpectraFigure {
  private readonly find: ReturnType<typeof finder>;
  private readonly plots = new Map<string, Plot>();
  private glimpses: Glimpse[] = [];
  private length = 1;

  constructor(root: ParentNode) {
    this.find = finder(root);
  }

  clear(steps: number): void {
    [this.glimpses, this.length] = [[], steps];
    for (const plot of this.plots.values()) plot.dispose();
    this.plots.clear();
    for (const name of spectra) this.plots.set(name, this.plot(name, []));
  }

  add(glimpses: readonly Glimpse[]): void {
    const [first] = glimpses;
    if (first === undefined) return;
    const ranks = ranksOf(first.singular.weight.length);
    if (this.glimpses.length === 0)
      for (const name of spectra) {
        this.plots.get(name)?.dispose();
        this.plots.set(name, this.plot(name, ranks));
      }
    this.glimpses.push(...glimpses);
    for (const name of spectra)
      this.plots
        .get(name)
        ?.set(() => [
          this.glimpses.map(({ step }) => step),
          ...ranks.map((rank) => this.glimpses.map(({ singular }) => visible(singular[name], rank))),
        ]);
  }

  private plot(name: string, ranks: readonly number[]): Plot {
    return new Plot(this.find(`.${name}`, HTMLElement), {
      lines: ranks.map((rank, i) => ({
        label: `${rank + 1}`,
        colour: `rgb(${rampAt(0.2 + (0.62 * i) / ranks.length).join(',')})`,
        width: 1.5,
      })),
      x: { range: toStep(this.length) },
      y: { logarithmic: true, range: around([1e-3, 1], 1.2) },
      shape: 0.8,
      highest: 300,
    });
  }
}

/** What rounding leaves of a singular value that is 0 says nothing. */
function visible(values: Float64Array, rank: number): number | null {
  const value = values[rank] ?? 0;
  return value > 1e-6 * (values[0] ?? 0) ? value : null;
}

/** Covariances and second moments as heat maps. */
export class MapsFigure {
  private readonly parent: HTMLElement;
  private readonly canvases = new Map<string, HTMLCanvasElement>();

  constructor(root: ParentNode) {
    this.parent = finder(root)('.maps', HTMLElement);
  }

  clear(): void {
    this.canvases.clear();
    this.parent.replaceChildren();
  }

  show(maps: readonly HeatMap[]): void {
    if (maps.length === 0) this.parent.textContent = 'This optimizer keeps neither covariances nor second moments of this matrix.';
    for (const { title, rows, columns, data } of maps) {
      const canvas = this.canvases.get(title) ?? this.figure(title);
      paint(canvas, rows, columns, logarithmicShares(data, 4));
    }
  }

  private figure(title: string): HTMLCanvasElement {
    const [figure, canvas, caption] = [
      document.createElement('figure'),
      document.createElement('canvas'),
      document.createElement('figcaption'),
    ];
    caption.textContent = title;
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', `Heat map: ${title}`);
    figure.append(canvas, caption);
    this.parent.append(figure);
    this.canvases.set(title, canvas);
    return canvas;
  }
}
