/// <reference lib="dom" preserve="true" />
import uPlot from 'uplot';

export interface Curve {
  readonly label: string;
  readonly colour: string;
  /** Milliseconds until each step was done. */
  readonly times: readonly number[];
  readonly losses: readonly number[];
}

const redrawEvery = 100;

/** Losses on a logarithmic axis, over steps or time; drawn at most ten times a second. */
export class Chart {
  private readonly parent: HTMLElement;
  private plot: uPlot | undefined;
  private curves: readonly Curve[] = [];
  private axis: 'step' | 'time' = 'step';
  private steps = 1;
  private due = false;

  constructor(parent: HTMLElement) {
    this.parent = parent;
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.plot?.redraw());
    addEventListener('schemechange', () => this.plot?.redraw());
    addEventListener('resize', () => this.plot?.setSize(this.size()));
  }

  /** Other curves, or another axis. */
  show(curves: readonly Curve[], axis: 'step' | 'time', steps: number): void {
    [this.curves, this.axis, this.steps] = [curves, axis, steps];
    this.plot?.destroy();
    this.plot = new uPlot(this.options(), this.data(), this.parent);
  }

  /** Something was added to the curves. */
  changed(): void {
    if (this.due) return;
    this.due = true;
    setTimeout(() => {
      this.due = false;
      this.plot?.setData(this.data());
    }, redrawEvery);
  }

  private size(): { width: number; height: number } {
    const width = this.parent.clientWidth;
    return { width, height: Math.round(Math.min(440, Math.max(240, 0.5 * width))) };
  }

  private data(): uPlot.AlignedData {
    const smoothed = this.curves.map(({ losses }) => smooth(losses));
    if (this.axis === 'time') {
      const tables = this.curves.map(({ times }, i): uPlot.AlignedData => [times.map((time) => time / 1000), smoothed[i] ?? []]);
      return tables.length === 0 ? [[]] : uPlot.join(tables);
    }
    const longest = Math.max(0, ...this.curves.map(({ losses }) => losses.length));
    return [Array.from({ length: longest }, (_, i) => i + 1), ...smoothed];
  }

  private options(): uPlot.Options {
    const styles = getComputedStyle(document.documentElement);
    const colour = (name: string) => () => styles.getPropertyValue(name);
    const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line'), width: 1 } };
    const x = { time: false, ...(this.axis === 'step' && { range: (): [number, number] => [0, this.steps] }) };
    return {
      ...this.size(),
      legend: { show: false },
      cursor: { show: false },
      scales: { x, y: { distr: 3, range: (_, least, most) => (least === null ? [0.1, 3] : [0.9 * least, 1.1 * most]) } },
      axes: [
        { ...axis, space: 80, values: (_, marks) => marks.map((mark) => (this.axis === 'time' ? `${mark} s` : `${mark}`)) },
        { ...axis, size: 52, values: (_, marks) => marks.map(label) },
      ],
      series: [
        {},
        ...this.curves.map((curve) => ({ label: curve.label, stroke: curve.colour, width: 2, points: { show: false }, spanGaps: true })),
      ],
    };
  }
}

/** An average that forgets a tenth in each step, corrected for its start. What is not finite ends a curve. */
function smooth(losses: readonly number[]): (number | null)[] {
  let [mean, weight] = [0, 0];
  return losses.map((loss) => {
    if (!Number.isFinite(loss)) return null;
    mean = 0.9 * mean + 0.1 * loss;
    weight = 0.9 * weight + 0.1;
    return Math.max(1e-9, mean / weight);
  });
}

/** uPlot gives null for marks that are not to be named. */
const label = (mark: number | null): string =>
  mark === null ? '' : mark < 1e-3 ? mark.toExponential(0) : String(Number(mark.toPrecision(2)));
