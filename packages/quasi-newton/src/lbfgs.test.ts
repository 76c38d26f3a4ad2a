import { reference } from '@opt/backend-reference';
import {
  accumulate,
  createOptimizer,
  inBasis,
  NonFiniteAnswerError,
  type Objective,
  OptionRangeError,
  OptionTypeError,
  partition,
  type Transform,
  TransformError,
  weightEma,
} from '@opt/core';
import { normalizeEma } from '@opt/normalize-ema';
import { kroneckerEigenbasis } from '@opt/soap';
import { sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { type LbfgsOptions, lbfgs } from './index.ts';

type Name = 'a' | 'b';
type Point = Readonly<Record<Name, ArrayLike<number>>>;

/** A valley: 5(a₁ − a₀²)² + ½(1 − a₀)² + ½(b − a₀)². */
const lossAt = ({ a, b }: Point): number => {
  const [p = 0, q = 0, r = 0] = [a[0], a[1], b[0]];
  return 5 * (q - p * p) ** 2 + 0.5 * (1 - p) ** 2 + 0.5 * (r - p) ** 2;
};
const gradientAt = ({ a, b }: Point): Record<Name, number[]> => {
  const [p = 0, q = 0, r = 0] = [a[0], a[1], b[0]];
  return { a: [-20 * p * (q - p * p) - (1 - p) - (r - p), 10 * (q - p * p)], b: [r - p] };
};

const small = { maxIter: 2, maxEval: 4, historySize: 3, lineSearch: 'strongWolfe' } satisfies LbfgsOptions;

function made(transform: Transform) {
  const optimizer = createOptimizer({
    transform,
    parameters: { a: { shape: [2], data: [-1.2, 1] }, b: { shape: [], data: [2] } },
    backend: reference(),
  });
  const objective: Objective<Name, 'sync'> = {
    gradients: (at = optimizer.parameters) => gradientAt(at),
    loss: (at = optimizer.parameters) => lossAt(at),
  };
  const everything = (): number[] => [
    ...Object.values(optimizer.parameters).flatMap((part) => [...part]),
    ...Object.values(optimizer.state).flatMap((part) => [...part]),
  ];
  return { optimizer, objective, everything };
}

const wrapped: readonly (readonly [string, () => Transform])[] = [
  ['alone', () => lbfgs(small)],
  ['without a search', () => lbfgs({ ...small, lineSearch: null, learningRate: 0.3 })],
  ['normalised', () => normalizeEma({ base: lbfgs(small), emaBeta: 0.5 })],
  [
    'in a partition',
    () => partition({ here: lbfgs(small), there: sgd({ learningRate: 0.1 }) }, (name) => (name === 'a' ? 'here' : 'there')),
  ],
  ['accumulated', () => accumulate(2, lbfgs(small), { objectives: 'window' })],
  ['averaged', () => weightEma({ emaMomentum: 0.7, emaOverwriteFrequency: 3 }, lbfgs(small))],
];

describe('inside everything a rule can be put into', () => {
  it.each(wrapped)('%s: the loss falls, and a saved run resumes bit for bit', (_, make) => {
    const through = made(make());
    const start = lossAt(through.optimizer.parameters);
    for (let step = 0; step < 8; step++) through.optimizer.step(through.objective);
    const file = through.optimizer.save();
    for (let step = 0; step < 5; step++) through.optimizer.step(through.objective);
    expect(lossAt(through.optimizer.parameters)).toBeLessThan(start);

    const resumed = made(make());
    resumed.optimizer.step(resumed.objective);
    resumed.optimizer.load(file);
    for (let step = 0; step < 5; step++) resumed.optimizer.step(resumed.objective);
    expect(resumed.everything()).toEqual(through.everything());
  });

  it('a window that asks nobody is refused: it has no loss', () => {
    for (const transform of [accumulate(2, lbfgs(small)), lbfgs({ ...small, gradientAccumulationSteps: 2 })])
      expect(() => made(transform)).toThrow(
        'accumulate: lbfgs needs gradient, which an objective gives for the last call of a window only',
      );
  });

  it('pairs are of where parameters really went: whoever moves them between two steps', () => {
    const { optimizer, objective } = made(weightEma({ emaMomentum: 0.5, emaOverwriteFrequency: 1 }, lbfgs({ ...small, maxIter: 1 })));
    const places: number[][] = [];
    const asked: Objective<Name, 'sync'> = {
      ...objective,
      gradients(at) {
        if (at === undefined) places.push([...optimizer.parameters.a, ...optimizer.parameters.b]);
        return gradientAt(at ?? optimizer.parameters);
      },
    };
    for (let step = 0; step < 4; step++) optimizer.step(asked);
    // The pair that the fourth step took: from where the third began to where the fourth did.
    const [from = [], to = []] = places.slice(2);
    const taken = optimizer.state['lbfgs.taken:*']?.[0] ?? 0;
    const row = ((taken - 1) % 3) * 3;
    const s = [...(optimizer.state['lbfgs.S:*'] ?? [])].slice(row, row + 3);
    s.forEach((one, i) => void expect(one).toBeCloseTo((to[i] ?? 0) - (from[i] ?? 0), 12));
  });

  it('a basis is refused: pairs do not turn with it', () => {
    const { optimizer, objective } = made(lbfgs(small).mapDirection((inner) => inBasis(kroneckerEigenbasis({ firstCall: 'raw' }), inner)));
    const steps = (): void => {
      for (let step = 0; step < 2; step++) optimizer.step(objective);
    };
    expect(steps).toThrow(TransformError);
    expect(steps).toThrow('lbfgs: pairs of moves and gradients cannot turn with a basis');
  });
});

describe('what may be missing or not finite', () => {
  it('a parameter without a gradient stands still, and the others are minimised as if it were a constant', () => {
    const { optimizer, objective } = made(lbfgs({ ...small, maxIter: 10, maxEval: 12 }));
    const some: Objective<Name, 'sync'> = { ...objective, gradients: (at = optimizer.parameters) => ({ a: gradientAt(at).a }) };
    for (let step = 0; step < 6; step++) optimizer.step(some);
    expect([...optimizer.parameters.b]).toEqual([2]);
    // The stationary point: a₁ = a₀², (1 − a₀) + (2 − a₀) = 0.
    expect(optimizer.parameters.a[0]).toBeCloseTo(1.5, 4);
    expect(optimizer.parameters.a[1]).toBeCloseTo(2.25, 4);
  });

  it('a loss that is no number where a step begins drops it, and says so', () => {
    for (const bad of [Number.NaN, Infinity]) {
      const { optimizer, objective, everything } = made(lbfgs(small));
      optimizer.step(objective);
      const before = everything();
      optimizer.step({ ...objective, loss: () => bad });
      expect(everything()).toEqual(before);
      expect(optimizer.skippedSteps).toBe(1);
      const strict = made(lbfgs({ ...small, nonFinite: 'throw' }));
      const step = (): void => strict.optimizer.step({ ...strict.objective, loss: () => bad });
      expect(step).toThrow(NonFiniteAnswerError);
      expect(step).toThrow("'lbfgs.start' of 'the loss'");
    }
  });

  it('a dropped step leaves the history as it was, also where it holds one pair and one is taken a step', () => {
    const { optimizer, objective, everything } = made(lbfgs({ ...small, maxIter: 1, historySize: 1 }));
    for (let step = 0; step < 3; step++) optimizer.step(objective);
    const before = everything();
    optimizer.step({
      ...objective,
      gradients: (at) => (at === undefined ? gradientAt(optimizer.parameters) : { a: [at.a[0] ?? 0, Number.NaN], b: [0] }),
    });
    expect(optimizer.skippedSteps).toBe(1);
    expect(everything()).toEqual(before);
  });

  it('a trial without a loss went too far: the search comes back, and asks no gradient there', () => {
    const edge = (at: Point): number => ((at.a[0] ?? 0) > -1.15 ? Number.NaN : lossAt(at));
    const { optimizer } = made(lbfgs({ ...small, maxIter: 1, maxEval: 20, learningRate: 50 }));
    const seen: number[] = [];
    optimizer.step({
      loss: (at = optimizer.parameters) => edge(at),
      gradients: (at = optimizer.parameters) => {
        seen.push(edge(at));
        return gradientAt(at);
      },
    });
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.every(Number.isFinite)).toBe(true);
    expect(edge(optimizer.parameters)).toBeLessThan(lossAt({ a: [-1.2, 1], b: [2] }));
  });

  it('no trial has a loss: nothing moves; without a search neither', () => {
    for (const lineSearch of ['strongWolfe', null] as const) {
      const { optimizer, objective } = made(lbfgs({ ...small, lineSearch }));
      optimizer.step({ ...objective, loss: (at) => (at === undefined ? lossAt(optimizer.parameters) : lossAt(at) * Number.NaN) });
      expect([...optimizer.parameters.a, ...optimizer.parameters.b]).toEqual([-1.2, 1, 2]);
      expect(optimizer.skippedSteps).toBe(0);
      optimizer.step(objective);
      expect(lossAt(optimizer.parameters)).toBeLessThan(lossAt({ a: [-1.2, 1], b: [2] }));
    }
  });

  it('gradients alone are not enough', () => {
    const { optimizer } = made(lbfgs(small));
    expect(() => optimizer.step({ a: [1, 1], b: [1] })).toThrow('lbfgs needs');
  });
});

describe('a trial that is below the line of sufficient decrease but above the trial before', () => {
  /** φ and φ′ of each evaluation, whatever the place: along a step of length 1 at first. */
  const evaluations = (...told: readonly (readonly [f: number, slope: number])[]): number => {
    const optimizer = createOptimizer({
      transform: lbfgs({ maxIter: 1, maxEval: 8, historySize: 1, lineSearch: 'strongWolfe' }),
      parameters: { x: { shape: [], data: [0] } },
      backend: reference(),
    });
    let asked = 0;
    const seen = (at: { readonly x: ArrayLike<number> } | undefined, which: 0 | 1): number =>
      (told[asked - 1]?.[which] ?? Number.NaN) + 0 * (at?.x[0] ?? 0);
    optimizer.step({
      loss(at) {
        asked++;
        return seen(at, 0);
      },
      gradients: (at) => ({ x: [at === undefined ? (told[0]?.[1] ?? 0) : seen(at, 1)] }),
    });
    return asked;
  };
  const steep = -0.95;

  it('is accepted where it is the second and flat', () => {
    expect(evaluations([0, -1], [-0.5, steep], [-0.4, 0.1])).toBe(3);
  });

  it('is the end of a bracket from the third on', () => {
    expect(evaluations([0, -1], [-0.5, steep], [-0.6, steep], [-0.55, 0.1], [-0.7, 0.1])).toBe(5);
  });
});

describe('options', () => {
  it.each<readonly [LbfgsOptions, typeof OptionRangeError | typeof OptionTypeError, string]>([
    [{ learningRate: -1 }, OptionRangeError, 'lbfgs: learningRate must be a finite number >= 0, received -1'],
    [{ maxIter: 0 }, OptionRangeError, 'lbfgs: maxIter must be an integer >= 1, received 0'],
    [{ maxEval: 1.5 }, OptionRangeError, 'lbfgs: maxEval must be an integer >= 1, received 1.5'],
    [{ toleranceGrad: -1 }, OptionRangeError, 'lbfgs: toleranceGrad must be a finite number >= 0, received -1'],
    [{ toleranceChange: Infinity }, OptionRangeError, 'lbfgs: toleranceChange must be a finite number >= 0, received Infinity'],
    [{ historySize: 0 }, OptionRangeError, 'lbfgs: historySize must be an integer >= 1, received 0'],
    // @ts-expect-error no such search
    [{ lineSearch: 'armijo' }, OptionTypeError, "lbfgs: lineSearch must be 'strongWolfe', received 'armijo'"],
    // @ts-expect-error no such option
    [{ maxiter: 3 }, OptionTypeError, "lbfgs: unknown option 'maxiter', known are "],
  ])('%o', (options, error, message) => {
    expect(() => lbfgs(options)).toThrow(error);
    expect(() => lbfgs(options)).toThrow(message);
  });

  it('maxEval is ⌊1.25·maxIter⌋ unless it is given', () => {
    let evaluations = 0;
    const { optimizer, objective } = made(lbfgs({ maxIter: 5, historySize: 3, learningRate: 1e-3, toleranceChange: 0 }));
    const counted = {
      ...objective,
      loss: (at: Point = optimizer.parameters) => {
        evaluations++;
        return lossAt(at);
      },
    };
    optimizer.step(counted);
    expect(evaluations).toBe(5);
    const budget = made(lbfgs({ maxIter: 4, historySize: 3, learningRate: 1e-6, lineSearch: 'strongWolfe' }));
    evaluations = 0;
    budget.optimizer.step({
      ...budget.objective,
      loss: (at = budget.optimizer.parameters) => {
        evaluations++;
        return lossAt(at);
      },
    });
    // One more than the budget of 5, as a search always makes its first evaluation.
    expect(evaluations).toBe(6);
  });
});
