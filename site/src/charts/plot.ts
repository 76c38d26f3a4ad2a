/// <reference lib="dom" preserve="true" />
import uPlot from 'uplot';
import { logarithmicMarks } from './marks.ts';

export interface Line {
  readonly label: string;
  readonly colour: string;
  readonly width?: number;
  /** Lengths of strokes and gaps; whole if left out. */
  readonly dash?: readonly number[];
  /** Diameter of a point at every value; none if left out. */
  readonly points?: number;
}

export interface PlotOptions {
  readonly lines: readonly Line[];
  readonly x: Axis;
  readonly y: Axis;
  /** Height over width, at most `highest` pixels. */
  readonly shape?: number;
  readonly highest?: number;
}

export interface Axis {
  readonly logarithmic?: boolean;
  /** Of the least and the largest value, null where there is none: what is shown. */
  readonly range: (least: number | null, most: number | null) => readonly [number, number];
  readonly marks?: readonly number[];
  readonly say?: (mark: number, index: number) => string;
}

/** First the places, then a row of values for each line; null is a gap. */
export type Table = readonly [readonly number[], ...(readonly (number | null)[])[]];

const redrawEvery = 100;

/** Lines over an axis, in the colours of the scheme, as wide as its place; drawn at most ten times a second. */
export class Plot {
  private readonly parent: HTMLElement;
  private readonly options: PlotOptions;
  private readonly plot: uPlot;
  private readonly unheard = new AbortController();
  private table: (() => Table) | undefined;
  private due = false;

  constructor(parent: HTMLElement, options: PlotOptions) {
    [this.parent, this.options] = [parent, options];
    this.plot = new uPlot(this.settings(), [[], ...options.lines.map(() => [])], parent);
    const { signal } = this.unheard;
    const redraw = (): void => this.plot.redraw();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw, { signal });
    addEventListener('schemechange', redraw, { signal });
    addEventListener('resize', () => this.plot.setSize(this.size()), { signal });
  }

  /** Other values, asked for when they are drawn. */
  set(table: () => Table): void {
    this.table = table;
    if (this.due) return;
    this.due = true;
    setTimeout(() => {
      this.due = false;
      if (this.table === undefined || this.unheard.signal.aborted) return;
      const [places, ...rows] = this.table();
      this.plot.setData([[...places], ...rows.map((row) => [...row])]);
    }, redrawEvery);
  }

  dispose(): void {
    this.unheard.abort();
    this.plot.destroy();
  }

  private size(): { width: number; height: number } {
    const { shape = 0.5, highest = 440 } = this.options;
    const width = this.parent.clientWidth;
    return { width, height: Math.round(Math.min(highest, Math.max(170, shape * width))) };
  }

  private settings(): uPlot.Options {
    const { lines, x, y } = this.options;
    const styles = getComputedStyle(document.documentElement);
    const colour = (name: string) => () => styles.getPropertyValue(name);
    const look = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line'), width: 1 } };
    const axis = ({ marks, logarithmic, say = plainly }: Axis): uPlot.Axis => ({
      ...look,
      ...(marks && { splits: () => [...marks] }),
      ...(logarithmic && marks === undefined && { splits: (_, __, least, most) => logarithmicMarks(least, most), filter: (_, all) => all }),
      // uPlot gives null for marks that are not to be named.
      values: (_, all: (number | null)[]) => all.map((mark, i) => (mark === null ? '' : say(mark, i))),
    });
    const scale = ({ logarithmic, range }: Axis): uPlot.Scale => ({
      ...(logarithmic && { distr: 3 }),
      range: (_, least, most) => [...range(least, most)],
    });
    return {
      ...this.size(),
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { ...scale(x), time: false }, y: scale(y) },
      axes: [
        { ...axis(x), space: 80 },
        { ...axis(y), size: 52 },
      ],
      series: [
        {},
        ...lines.map(({ label, colour, width = 2, dash, points }) => ({
          label,
          stroke: colour,
          width,
          spanGaps: true,
          points: points === undefined ? { show: false } : { show: true, size: points, fill: colour },
          ...(dash && { dash: [...dash] }),
        })),
      ],
    };
  }
}

/** Two digits, and powers of ten below a thousandth. */
export const plainly = (mark: number): string =>
  mark !== 0 && Math.abs(mark) < 1e-3 ? mark.toExponential(0) : String(Number(mark.toPrecision(2)));

/** A little more than what there is, on a logarithmic axis. */
export const around =
  (fallback: readonly [number, number], factor = 1.1) =>
  (least: number | null, most: number | null): readonly [number, number] =>
    least === null || most === null ? fallback : [least / factor, most * factor];
