/// <reference lib="dom" preserve="true" />
import uPlot from 'uplot';

const height = 300;

/** The loss of every step so far, on a logarithmic axis; as wide as what it is in. */
export class LossPlot {
  readonly #curve: [number[], number[]] = [[], []];
  readonly #plot: uPlot;
  #steps = 1;

  constructor(parent: HTMLElement) {
    const styles = getComputedStyle(document.documentElement);
    const colour = (name: string) => () => styles.getPropertyValue(name);
    this.#plot = new uPlot(
      {
        width: parent.clientWidth,
        height,
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: false, range: () => [0, this.#steps] },
          // uPlot gives null while there are no points.
          y: { distr: 3, range: (_, least, most) => (least === null ? [0.1, 1] : uPlot.rangeLog(least, most, 10, true)) },
        },
        axes: [axis(colour), { ...axis(colour), size: 55, values: (_, marks) => marks.map(label) }],
        series: [{}, { stroke: colour('--curve'), width: 2, points: { show: false } }],
      },
      this.#curve,
      parent,
    );
    // A drawing does not follow the scheme by itself.
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#plot.redraw());
    addEventListener('resize', () => this.#plot.setSize({ width: parent.clientWidth, height }));
  }

  add(step: number, loss: number): void {
    this.#curve[0].push(step);
    this.#curve[1].push(loss);
    this.#plot.setData(this.#curve);
  }

  /** Room for so many steps. */
  clear(steps: number): void {
    this.#steps = steps;
    for (const values of this.#curve) values.length = 0;
    this.#plot.setData(this.#curve);
  }
}

const axis = (colour: (name: string) => () => string): uPlot.Axis => ({
  stroke: colour('--muted'),
  grid: { stroke: colour('--line'), width: 1 },
  ticks: { stroke: colour('--line'), width: 1 },
});

/** uPlot gives null for marks between decades. */
const label = (mark: number | null): string => (mark === null ? '' : mark < 1e-3 ? mark.toExponential(0) : String(mark));
