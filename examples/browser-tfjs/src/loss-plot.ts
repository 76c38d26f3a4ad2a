/// <reference lib="dom" preserve="true" />
import uPlot from 'uplot';

const height = 300;

/** The loss of every step so far, on a logarithmic axis; as wide as what it is in. */
export class LossPlot {
  readonly #curve: [number[], number[]] = [[], []];
  readonly #plot: uPlot;

  constructor(parent: HTMLElement, steps: number) {
    this.#plot = new uPlot(
      {
        width: parent.clientWidth,
        height,
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: false, range: [0, steps] },
          // uPlot gives null while there are no points.
          y: { distr: 3, range: (_, least, most) => (least === null ? [0.1, 1] : uPlot.rangeLog(least, most, 10, true)) },
        },
        axes: [{}, { size: 55, values: (_, marks) => marks.map(label) }],
        series: [{}, { stroke: '#096', width: 2, points: { show: false } }],
      },
      this.#curve,
      parent,
    );
    addEventListener('resize', () => this.#plot.setSize({ width: parent.clientWidth, height }));
  }

  add(step: number, loss: number): void {
    this.#curve[0].push(step);
    this.#curve[1].push(loss);
    this.#plot.setData(this.#curve);
  }

  clear(): void {
    for (const values of this.#curve) values.length = 0;
    this.#plot.setData(this.#curve);
  }
}

/** uPlot gives null for marks between decades. */
const label = (mark: number | null): string => (mark === null ? '' : mark < 1e-3 ? mark.toExponential(0) : String(mark));
