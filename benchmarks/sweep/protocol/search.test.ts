import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { best, nextRates, type Search, type Tried } from './search.ts';

/** Everything a search asks for when a rate scores `score(rate)`, round by round. */
const rounds = (search: Search, score: (rate: number) => number): number[][] => {
  const tried: Tried[] = [];
  const asked: number[][] = [];
  for (let wanted = nextRates(search, tried); wanted.length > 0; wanted = nextRates(search, tried)) {
    asked.push(wanted.map((rate) => Number(Math.log10(rate).toFixed(6))));
    tried.push(...wanted.map((rate) => ({ rate, score: score(rate) })));
    expect(asked.length).toBeLessThan(20);
  }
  return asked;
};

/** A score that is smallest at 10^centre. */
const valley = (centre: number) => (rate: number) => Math.abs(Math.log10(rate) - centre);

const decades = (first: number, last: number): Search => ({ decades: [first, last], extensions: 3, refine: true });

describe('the rounds of a search, as exponents of ten', () => {
  test.each<[string, Search, (rate: number) => number, number[][]]>([
    ['best inside', decades(-4, -1), valley(-2.1), [[-4, -3, -2, -1], [-2.5, -1.5], [-2.25]]],
    ['best half a decade away', decades(-4, -1), valley(-2.4), [[-4, -3, -2, -1], [-2.5, -1.5], [-2.25]]],
    ['one more decade at the upper edge', decades(-3, 0), valley(0.2), [[-3, -2, -1, 0], [1], [-0.5, 0.5], [0.25]]],
    ['at most three more', decades(-2, 0), valley(-9), [[-2, -1, 0], [-3], [-4], [-5], [-5.5, -4.5], [-5.25]]],
    ['of equals, the smaller rate', decades(-3, 0), () => 1, [[-3, -2, -1, 0], [-4], [-5], [-6], [-6.5, -5.5], [-6.25]]],
    ['nothing to refine where all diverged', decades(-1, 0), () => Number.POSITIVE_INFINITY, [[-1, 0], [-2], [-3], [-4]]],
    ['not refined on request', { decades: [-3, -2], extensions: 0, refine: false }, valley(-2), [[-3, -2]]],
    ['exactly the given rates', { rates: [0.001, 0.5] }, valley(0), [[-3, -0.30103]]],
  ])('%s', (_, search, score, expected) => {
    expect(rounds(search, score)).toEqual(expected);
  });

  test('what is already tried is not asked for again, whatever the order', () => {
    const search = decades(-4, -1);
    const tried = [0.1, 0.0001, 0.01].map((rate) => ({ rate, score: valley(-2.1)(rate) }));
    expect(nextRates(search, tried)).toEqual([0.001]);
  });
});

test('best: the smallest score, of equals the smaller rate, of nothing nothing', () => {
  expect(best([])).toBeUndefined();
  const [a, b, c] = [
    { rate: 1, score: 2 },
    { rate: 0.1, score: 2 },
    { rate: 10, score: Number.POSITIVE_INFINITY },
  ];
  expect(best([a, b, c])).toBe(b);
});

interface RecordedSweep {
  readonly task: string;
  readonly optimizers: Readonly<
    Record<string, { bestLearningRate: number; sweep: { learningRate: number; diverged: boolean; bestSmoothedTrainLoss: number }[] }>
  >;
}

describe('given the recorded scores, the search asks for the recorded rates and ends at the recorded best', () => {
  const folder = new URL('../../tasks/recorded/', import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  const first: Readonly<Record<string, number>> = {
    adamw: -4,
    soap: -4,
    'lm-adagrad': -2,
    'sgd-momentum': -3,
    'soap-normalize-ema': -3,
    muon: -3,
  };
  const cases = files.flatMap((name) => {
    const { task, optimizers }: RecordedSweep = JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
    // PSGD-Kron was swept with three decades and without the last midpoint.
    return Object.entries(optimizers)
      .filter(([optimizer]) => optimizer in first)
      .map(([optimizer, recorded]) => ({ task, optimizer, recorded }));
  });

  test('there are ten tasks and six optimizers', () => expect(cases).toHaveLength(60));

  test.each(cases)('$task, $optimizer', ({ optimizer, recorded: { sweep, bestLearningRate } }) => {
    const key = (rate: number) => rate.toPrecision(6);
    const score = (rate: number) => {
      const found = sweep.find(({ learningRate }) => key(learningRate) === key(rate));
      expect(found, `${rate} was not recorded`).toBeDefined();
      return found === undefined || found.diverged ? Number.POSITIVE_INFINITY : found.bestSmoothedTrainLoss;
    };
    const from = first[optimizer] ?? 0;
    const asked = rounds(decades(from, from + 3), score)
      .flat()
      .map((exponent) => 10 ** exponent);
    expect(asked.map(key).sort()).toEqual(sweep.map(({ learningRate }) => key(learningRate)).sort());
    expect(key(best(asked.map((rate) => ({ rate, score: score(rate) })))?.rate ?? 0)).toBe(key(bestLearningRate));
  });
});
