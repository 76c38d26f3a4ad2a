/// <reference lib="dom" preserve="true" />
import { around, Plot, type Table } from '../charts/plot.ts';

export interface Curve {
  readonly label: string;
  readonly colour: string;
  /** Milliseconds until each step was done. */
  readonly times: readonly number[];
  readonly losses: readonly number[];
}

/** Losses on a logarithmic axis, over steps or time. */
export class Chart {
  private readonly parent: HTMLElement;
  private plot: Plot | undefined;
  private curves: readonly Curve[] = [];
  private axis: 'step' | 'time' = 'step';

  constructor(parent: HTMLElement) {
    this.parent = parent;
  }

  /** Other curves, or another axis. */
  show(curves: readonly Curve[], axis: 'step' | 'time', steps: number): void {
    [this.curves, this.axis] = [curves, axis];
    this.plot?.dispose();
    this.plot = new Plot(this.parent, {
      lines: curves,
      x: {
        range: (least, most) => (axis === 'step' ? [0, steps] : [least ?? 0, most ?? 1]),
        say: (mark) => (axis === 'time' ? `${mark} s` : `${mark}`),
      },
      y: { logarithmic: true, range: around([0.1, 3]) },
    });
    this.changed();
  }

  /** Something was added to the curves. */
  changed(): void {
    this.plot?.set(() => this.table());
  }

  private table(): Table {
    const smoothed = this.curves.map(({ losses }) => smooth(losses));
    if (this.axis === 'step') {
      const longest = Math.max(0, ...this.curves.map(({ losses }) => losses.length));
      return [Array.from({ length: longest }, (_, i) => i + 1), ...smoothed];
    }
    // Every lane has times of its own: each place has the value of one.
    const places = this.curves.flatMap(({ times }, lane) => times.map((time, at) => ({ time: time / 1000, lane, at })));
    places.sort((a, b) => a.time - b.time);
    return [
      places.map(({ time }) => time),
      ...smoothed.map((values, lane) => places.map((place) => (place.lane === lane ? (values[place.at] ?? null) : null))),
    ];
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
