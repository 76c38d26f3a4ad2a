import { scale, tickLabel } from './scale.ts';
import { escaped, pixel } from './text.ts';

/** One line of a plot. */
export interface Series {
  /** The optimizer it belongs to: what a page hides and shows by. */
  readonly name: string;
  readonly label: string;
  readonly colour: string;
  /** Recorded with PyTorch: dashed, with rings for points. */
  readonly recorded: boolean;
  /** By x. */
  readonly points: readonly (readonly [number, number])[];
  /** Whether every point is marked, with its values to be read. */
  readonly marked: boolean;
  /** Where a cross at the upper edge says that the run diverged. */
  readonly diverged?: readonly number[];
}

export interface PlotOptions {
  /** Unique on a page. */
  readonly id: string;
  readonly title: string;
  readonly xLabel: string;
  readonly xKind: 'linear' | 'log';
  readonly yKind: 'linear' | 'log';
  /** The largest y that matters: higher values leave the plot. */
  readonly ceiling: number;
  readonly series: readonly Series[];
  readonly size: Size;
}

/** Pixels of a plot. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

const margin = { left: 58, right: 16, top: 34, bottom: 44 };
const areaOf = ({ width, height }: Size) => ({
  left: margin.left,
  right: width - margin.right,
  top: margin.top,
  bottom: height - margin.bottom,
});
type Area = ReturnType<typeof areaOf>;
/** Pixels between labels of ticks: more than the longest is wide, or high. */
const gap = { x: 58, y: 24 };
/** On a log axis nothing is drawn below this share of the largest value: it would be rounding. */
const floor = 1e-18;

/** A plot as elements of an SVG image of that size. Colours of text and lines are CSS variables. */
export const plot = (options: PlotOptions): string => {
  const { id, title, xLabel, series, size } = options;
  const area = areaOf(size);
  const { x, y } = scales(options, area);
  const frame = [
    ...y.ticks.map((tick) => {
      const at = pixel(y.place(tick));
      return `<path class="grid" d="M${area.left} ${at}H${area.right}"/><text class="tick" x="${area.left - 8}" y="${at}" dy="4" text-anchor="end">${tickLabel(tick)}</text>`;
    }),
    ...x.ticks.map((tick) => {
      const at = pixel(x.place(tick));
      return `<path class="grid" d="M${at} ${area.top}V${area.bottom}"/><text class="tick" x="${at}" y="${area.bottom + 17}" text-anchor="middle">${tickLabel(tick)}</text>`;
    }),
  ];
  const lines = series.map((one, index) => line(one, index, x.place, y.place, area));
  return `<text class="title" x="${area.left}" y="20">${escaped(title)}</text>
${frame.join('')}
<text class="tick" x="${(area.left + area.right) / 2}" y="${size.height - 8}" text-anchor="middle">${escaped(xLabel)}</text>
<clipPath id="${id}"><rect x="${area.left - 5}" y="${area.top - 5}" width="${area.right - area.left + 10}" height="${area.bottom - area.top + 10}"/></clipPath>
<g clip-path="url(#${id})">${lines.join('\n')}</g>`;
};

const scales = ({ xKind, yKind, ceiling, series }: PlotOptions, area: Area) => {
  const xs = series.flatMap(({ points, diverged }) => [...points.map(([x]) => x), ...(diverged ?? [])]);
  const ys = series
    .flatMap(({ points }) => points.map(([, y]) => y))
    .filter((y) => (yKind === 'log' ? y > floor * ceiling : true) && y <= ceiling);
  const most = Math.max(...ys);
  const least = Math.min(...ys);
  const room = yKind === 'log' ? (most / least) ** 0.06 || 1 : 0.06 * (most - least);
  const yDomain = yKind === 'log' ? ([least / room, most * room] as const) : ([least - room, most + room] as const);
  return {
    x: scale({ kind: xKind, domain: apart([Math.min(...xs), Math.max(...xs)]), range: [area.left, area.right], gap: gap.x }),
    y: scale({ kind: yKind, domain: apart(yDomain), range: [area.bottom, area.top], gap: gap.y }),
  };
};

/** A domain of some width, also where there is but one value or none. */
const apart = ([least, most]: readonly [number, number]): readonly [number, number] => {
  if (!Number.isFinite(least) || !Number.isFinite(most)) return [0.1, 1];
  if (least < most) return [least, most];
  return least > 0 ? [0.8 * least, 1.25 * least] : [least - 1, least + 1];
};

const line = (series: Series, index: number, x: (value: number) => number, y: (value: number) => number, area: Area): string => {
  const { name, label, colour, recorded, points, marked, diverged = [] } = series;
  // A zero has no place on a log axis: it is drawn at the lower edge.
  const at = points.map(([a, b]) => ({ x: x(a), y: Number.isFinite(y(b)) ? Math.max(-1e4, y(b)) : area.bottom, a, b }));
  const whole = `${label}${recorded ? ', PyTorch' : ''}`;
  const path = at.map((point, i) => `${i === 0 ? 'M' : 'L'}${pixel(point.x)} ${pixel(point.y)}`).join('');
  const marks = marked
    ? at.map((point) => {
        const said = `<title>${escaped(`${whole}: ${brief(point.b)} at ${brief(point.a)}`)}</title>`;
        return `<circle cx="${pixel(point.x)}" cy="${pixel(point.y)}" r="${recorded ? 3 : 3.4}">${said}</circle>`;
      })
    : [];
  // Side by side where several diverged at one rate.
  const crosses = diverged.map((rate) => {
    const [cx, cy] = [x(rate), area.top + 6 + 9 * index];
    return `<path class="cross" d="M${pixel(cx - 4)} ${cy - 4}l8 8m0-8l-8 8"><title>${escaped(`${whole}: diverged at ${brief(rate)}`)}</title></path>`;
  });
  return `<g class="series${recorded ? ' recorded' : ''}" data-optimizer="${escaped(name)}" style="--colour:${colour}"><path d="${path}"><title>${escaped(whole)}</title></path>${marks.join('')}${crosses.join('')}</g>`;
};

const brief = (value: number): string => String(Number(value.toPrecision(3)));
