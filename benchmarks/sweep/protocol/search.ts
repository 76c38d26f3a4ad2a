/** A learning rate that was tried. `score`: the smaller the better; Infinity for a run that diverged. */
export interface Tried {
  readonly rate: number;
  readonly score: number;
}

/** Which learning rates one optimizer gets on one task: exactly these, or a search that starts from whole decades. */
export type Search =
  | { readonly rates: readonly number[] }
  | {
      /** log₁₀ of the first and the last rate of the grid. */
      readonly decades: readonly [number, number];
      /** How many decades may be added in all while the best rate is at an edge. */
      readonly extensions: number;
      /** Whether to go on with half a decade to either side of the best, then the midpoint towards the better neighbour. */
      readonly refine: boolean;
    };

/** The smallest score; of equals, the one with the smaller rate. Undefined where nothing was tried. */
export const best = <T extends Tried>(tried: readonly T[]): T | undefined =>
  [...tried]
    .sort((a, b) => a.rate - b.rate)
    .reduce<T | undefined>((least, one) => (least && least.score <= one.score ? least : one), undefined);

/**
 * The rates to try next, given everything tried so far; none: the search is over. They may run in any order, side by side.
 * Rounds: the decades; one more decade while the best is at an edge; best ± half a decade; the midpoint towards the better neighbour.
 */
export const nextRates = (search: Search, tried: readonly Tried[]): readonly number[] => {
  const untried = (rates: readonly number[]) => rates.filter((rate) => !tried.some((one) => one.rate === rate));
  if ('rates' in search) return untried(search.rates);
  const { decades, extensions, refine } = search;
  const scores = new Map(tried.map(({ rate, score }) => [quarterOf(rate), score]));
  const rounds = [
    () => grid(decades),
    () => edge(decades, extensions, scores),
    ...(refine ? [() => halves(scores), () => midpoint(scores)] : []),
  ];
  for (const round of rounds) {
    const wanted = untried(round().map(rateOf));
    if (wanted.length > 0) return wanted;
  }
  return [];
};

/** Rates are 10^(quarter/4), so that grid, halves and midpoints are whole numbers; twelve digits, so that a decade is what it reads as. */
const rateOf = (quarter: number): number => Number((10 ** (quarter / 4)).toPrecision(12));
const quarterOf = (rate: number): number => Math.round(4 * Math.log10(rate));

/** Scores by quarter of a decade. */
type Scores = ReadonlyMap<number, number>;

const grid = ([first, last]: readonly [number, number]): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => 4 * (first + index));

const isDecade = (quarter: number): boolean => quarter % 4 === 0;

const edge = ([first, last]: readonly [number, number], extensions: number, scores: Scores): number[] => {
  const decades = [...scores.keys()].filter(isDecade);
  const least = Math.min(...decades);
  const most = Math.max(...decades);
  const added = (most - least) / 4 - (last - first);
  const { quarter } = bestOf(scores, isDecade);
  if (added >= extensions) return [];
  if (quarter === least) return [least - 4];
  return quarter === most ? [most + 4] : [];
};

const halves = (scores: Scores): number[] => {
  const { quarter, score } = bestOf(scores, isDecade);
  return Number.isFinite(score) ? [quarter - 2, quarter + 2] : [];
};

const midpoint = (scores: Scores): number[] => {
  const even = (quarter: number) => quarter % 2 === 0;
  const { quarter, score } = bestOf(scores, even);
  if (!Number.isFinite(score)) return [];
  const ordered = [...scores.keys()].filter(even).sort((a, b) => a - b);
  const at = ordered.indexOf(quarter);
  const neighbours = ordered.filter((_, index) => Math.abs(index - at) === 1);
  const { quarter: better } = bestOf(scores, (other) => neighbours.includes(other));
  return [(quarter + better) / 2];
};

const bestOf = (scores: Scores, among: (quarter: number) => boolean): { readonly quarter: number; readonly score: number } => {
  const candidates = [...scores].filter(([quarter]) => among(quarter)).map(([quarter, score]) => ({ rate: quarter, score }));
  const found = best(candidates);
  return { quarter: found?.rate ?? Number.NaN, score: found?.score ?? Number.POSITIVE_INFINITY };
};
