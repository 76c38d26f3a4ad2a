import { colourOf } from '../../../examples/race/src/palette.ts';
import { optimizers } from '../../tasks/optimizers.ts';
import { type RecordedOptimizer, recordedOf } from '../results/recorded.ts';
import type { OptimizerResults, RunSummary, TaskResults } from '../results/results.ts';
import { plot, type Series, type Size } from './plot.ts';
import { escaped, pixel } from './text.ts';

/** Where training begins and a little above: what lies higher tells nothing. */
const headroom = 1.15;

/** Of a graph in a picture that stands alone, whose title names the task. */
const pictureSize: Size = { width: 560, height: 360 };
/** Of a graph on the page, below the name of its task: small, so that a phone shows it whole and its text can be read. */
export const pageSize: Size = { width: 400, height: 290 };

/** The two graphs of a task by training loss: the best run of every optimizer, and learning rate against loss. `head`: of their titles. */
export const trainPlots = (task: TaskResults, size: Size, head = ''): readonly [string, string] => {
  const smoothed = task.smoothingSigma === 0 ? 'training loss' : `training loss, smoothed over ${task.smoothingSigma} steps`;
  const ceiling = headroom * (task.firstLoss ?? Number.POSITIVE_INFINITY);
  const common = { ceiling, yKind: task.lossAxis, size };
  return [
    plot({
      ...common,
      id: `${task.name}-curve`,
      title: `${head}${smoothed}`,
      xLabel: 'step of the best run',
      xKind: 'linear',
      series: [...curves(task, ({ curve }) => curve), ...recordedSeries(task, ({ bestRunTrainLossAtStep }) => bestRunTrainLossAtStep)],
    }),
    plot({
      ...common,
      id: `${task.name}-rate`,
      title: `${head}smallest training loss of a run`,
      xLabel: 'learning rate (× diverged)',
      xKind: 'log',
      series: [
        ...byRate(task, ({ bestTrainLoss }) => bestTrainLoss),
        ...recordedSeries(task, ({ sweep }) =>
          sweep.filter(({ diverged }) => !diverged).map(({ learningRate, bestSmoothedTrainLoss }) => [learningRate, bestSmoothedTrainLoss]),
        ),
      ],
    }),
  ];
};

/** The same by test loss; undefined for a task without a test set. */
export const testPlots = (task: TaskResults, size: Size): readonly [string, string] | undefined => {
  const all = task.optimizers.flatMap(({ testCurve }) => testCurve.map(([, loss]) => loss));
  if (all.length === 0) return undefined;
  const firstTest = task.optimizers.find(({ testCurve }) => testCurve.length > 0)?.testCurve[0]?.[1] ?? Number.POSITIVE_INFINITY;
  const common = { ceiling: headroom * firstTest, yKind: task.testLossAxis, size };
  return [
    plot({
      ...common,
      id: `${task.name}-test-curve`,
      title: 'test loss',
      xLabel: 'updates, run with the best training loss',
      xKind: 'linear',
      series: curves(task, ({ testCurve }) => testCurve),
    }),
    plot({
      ...common,
      id: `${task.name}-test-rate`,
      title: 'smallest test loss of a run',
      xLabel: 'learning rate (× diverged)',
      xKind: 'log',
      series: byRate(task, ({ bestTestLoss }) => bestTestLoss),
    }),
  ];
};

const look = ({ name, label }: OptimizerResults) => ({ name, label, colour: colourOf(name), recorded: false });

const curves = ({ optimizers }: TaskResults, of: (optimizer: OptimizerResults) => Series['points']): Series[] =>
  optimizers
    .filter((optimizer) => of(optimizer).length > 0)
    .map((optimizer) => ({ ...look(optimizer), points: of(optimizer), marked: false }));

const byRate = ({ optimizers }: TaskResults, of: (run: RunSummary) => number | null): Series[] =>
  optimizers.map((optimizer) => ({
    ...look(optimizer),
    points: optimizer.search.flatMap((run): [number, number][] => {
      const value = of(run);
      return run.diverged || value === null ? [] : [[run.rate, value]];
    }),
    marked: true,
    diverged: optimizer.search.filter(({ diverged }) => diverged).map(({ rate }) => rate),
  }));

const recordedSeries = (task: TaskResults, of: (optimizer: RecordedOptimizer) => Series['points']): Series[] =>
  Object.entries(recordedOf(task)?.optimizers ?? {}).map(([name, optimizer]) => ({
    name,
    label: optimizers.find((ours) => ours.name === name)?.label ?? name,
    colour: colourOf(name),
    recorded: true,
    points: of(optimizer),
    marked: true,
  }));

/** What stands in a legend. */
export interface LegendEntry {
  readonly name: string;
  readonly label: string;
  readonly colour: string;
  /** Not ours, only recorded. */
  readonly recorded: boolean;
}

/** Every optimizer that is drawn in some of the tasks. */
export const legendEntries = (tasks: readonly TaskResults[]): readonly LegendEntry[] => {
  const ours = tasks.flatMap(({ optimizers }) => optimizers.map(look));
  const torch = tasks.flatMap((task) => recordedSeries(task, () => []));
  const entries = new Map<string, LegendEntry>();
  for (const { name, label, colour, recorded: only } of [...ours, ...torch])
    if (!entries.has(name)) entries.set(name, { name, label, colour, recorded: only });
  return [...entries.values()];
};

const legendColumns = 4;
const legendRow = 22;

/** A task as one SVG image that stands alone: both graphs and the legend. `css`: of figures, with its variables. */
export const taskPicture = (task: TaskResults, css: string): string => {
  const entries = legendEntries([task]);
  const width = 2 * pictureSize.width;
  const height = pictureSize.height + Math.ceil((entries.length + 1) / legendColumns) * legendRow + 16;
  const cell = (index: number, dash: string, colour: string, label: string) => {
    const [x, y] = [
      58 + (index % legendColumns) * ((width - 58) / legendColumns),
      pictureSize.height + 16 + Math.floor(index / legendColumns) * legendRow,
    ];
    return `<path d="M${pixel(x)} ${y}h22" style="fill:none;stroke:${colour};stroke-width:2.5${dash}"/><text x="${pixel(x + 30)}" y="${y}" dy="4">${escaped(label)}</text>`;
  };
  const dashed = ';stroke-dasharray:5 4';
  const legend = [
    ...entries.map(({ label, colour, recorded: only }, index) => cell(index, only ? dashed : '', colour, label)),
    ...(recordedOf(task) === undefined ? [] : [cell(entries.length, dashed, 'var(--muted)', 'recorded with PyTorch')]),
  ];
  const [left, right] = trainPlots(task, pictureSize, `${task.name}: `);
  return `<svg xmlns="http://www.w3.org/2000/svg" class="figure" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"><style>${css}</style><rect width="100%" height="100%" fill="var(--card)"/>
<g>${left}</g><g transform="translate(${pictureSize.width} 0)">${right}</g>
${legend.join('\n')}
</svg>
`;
};
