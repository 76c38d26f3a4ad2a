/** From values to pixels, with round values to mark. */
export interface Scale {
  /** Of a value outside of the domain: beyond the ends. */
  place(value: number): number;
  /** Far enough from each other for their labels. */
  readonly ticks: readonly number[];
}

export interface ScaleOptions {
  readonly kind: 'linear' | 'log';
  /** Smallest and largest value; positive where `kind` is log. */
  readonly domain: readonly [number, number];
  /** Pixels of the two. */
  readonly range: readonly [number, number];
  /** Pixels between two ticks, at least. */
  readonly gap: number;
}

export const scale = ({ kind, domain: [least, most], range: [from, to], gap }: ScaleOptions): Scale => {
  const bend = kind === 'log' ? Math.log10 : (value: number) => value;
  const [a, b] = [bend(least), bend(most)];
  const place = (value: number) => from + ((bend(value) - a) / (b - a)) * (to - from);
  const roomy = (ticks: readonly number[]) =>
    ticks.every((tick, index) => index === 0 || Math.abs(place(tick) - place(ticks[index - 1] ?? tick)) >= gap);
  const candidates = kind === 'log' ? logTicks(least, most) : linearTicks(least, most);
  for (const ticks of candidates) if (roomy(ticks)) return { place, ticks };
  return { place, ticks: [] };
};

/** Below this ratio of its ends a log axis is marked like a linear one. */
const narrow = 3;
/** Mantissas of one decade, finest first. */
const mantissas = [[1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9], [1, 1.5, 2, 3, 5, 7], [1, 2, 5], [1]];

/** Sets of round values between the two, finest first: parts of a decade, then every decade, every second, …. */
function* logTicks(least: number, most: number): Generator<readonly number[]> {
  if (most / least < narrow) yield* linearTicks(least, most);
  const [first, last] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))];
  const inside = (value: number) => value >= least * (1 - 1e-9) && value <= most * (1 + 1e-9);
  const round = (mantissa: number, exponent: number) => Number(`${mantissa.toFixed(1)}e${exponent}`);
  for (const some of mantissas) {
    const ticks: number[] = [];
    for (let exponent = first; exponent <= last; exponent++) ticks.push(...some.map((mantissa) => round(mantissa, exponent)));
    yield ticks.filter(inside);
  }
  for (let stride = 2; stride <= last - first; stride++) {
    const ticks: number[] = [];
    for (let exponent = Math.ceil(first / stride) * stride; exponent <= last; exponent += stride) ticks.push(round(1, exponent));
    yield ticks.filter(inside);
  }
}

/** Multiples of 1, 2 or 5 times a power of ten, finest first. */
function* linearTicks(least: number, most: number): Generator<readonly number[]> {
  const finest = Math.floor(Math.log10((most - least) / 100));
  for (let exponent = finest; exponent <= finest + 4; exponent++) {
    for (const mantissa of [1, 2, 5]) {
      const step = Number(`${mantissa}e${exponent}`);
      const count = Math.floor(most / step) - Math.ceil(least / step) + 1;
      yield Array.from({ length: count }, (_, index) => Number(((Math.ceil(least / step) + index) * step).toPrecision(12)));
    }
  }
}

/** A tick as it is written: 0.001, 2.5, 1e-5. */
export const tickLabel = (value: number): string =>
  value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e5) ? value.toExponential().replace('e+', 'e') : String(value);
