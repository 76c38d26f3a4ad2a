import { reference } from '@opt/backend-reference';
import { createOptimizer, type Shape } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { type MuonOptions, muon, norMuon } from './index.ts';
import { distance, random, transposed, walk } from './testing/kit.ts';

/** Keeps the direction as it is, so that what comes before and after the polar factor can be computed by hand. */
const untouched: MuonOptions = { orthogonalization: (m) => m, momentum: 0, nesterov: false, scale: 'none', learningRate: 1 };

type Matrix = readonly (readonly number[])[];
const hypot = (row: readonly number[]): number => Math.hypot(...row);
const at = <T>(list: readonly T[], i: number): T => {
  const found = list[i];
  if (found === undefined) throw new RangeError(`no entry ${i}`);
  return found;
};
const rows = (data: ArrayLike<number>, columns: number): number[][] =>
  Array.from({ length: data.length / columns }, (_, i) => Array.from(data).slice(i * columns, (i + 1) * columns));
/** The direction of one step from 0 with η = 1. */
const direction = (options: MuonOptions, G: Matrix): number[][] => {
  const n = at(G, 0).length;
  const path = walk(muon({ ...untouched, ...options }), [G.length, n], new Float64Array(G.length * n), [G.flat()]);
  return rows(at(path, 1), n).map((row) => row.map((x) => -x));
};
const expectClose = (received: Matrix, expected: Matrix): void =>
  expect(distance(received.flat(), expected.flat())).toBeLessThan(1e-13 * Math.max(...expected.flat().map(Math.abs)));

const G: Matrix = [
  [3, 4],
  [0.3, -0.4],
  [0, 0],
  [1, 0],
];

describe('before the polar factor', () => {
  it('rows are made as long as the root mean square of all, those that are 0 stay', () => {
    const tau = Math.sqrt((25 + 0.25 + 1) / 4);
    expectClose(
      direction({ equilibrate: 'rows' }, G),
      G.map((row) => row.map((x) => (hypot(row) === 0 ? 0 : (x * tau) / hypot(row)))),
    );
  });

  it('columns alike', () => {
    const lengths = [Math.hypot(3, 0.3, 1), Math.hypot(4, 0.4)];
    const tau = Math.sqrt((25 + 0.25 + 1) / 2);
    expectClose(
      direction({ equilibrate: 'columns' }, G),
      G.map((row) => row.map((x, j) => (x * tau) / at(lengths, j))),
    );
  });

  it('no row is lengthened as if it were shorter than 1e-6', () => {
    const small: Matrix = [
      [6e-8, 8e-8],
      [3e-6, 0],
    ];
    const tau = Math.sqrt((1e-14 + 9e-12) / 2);
    expectClose(direction({ equilibrate: 'rows' }, small), [
      [0.06 * tau, 0.08 * tau],
      [tau, 0],
    ]);
  });

  it('of in-out matrices, rows are the stored columns', () => {
    const shape: Shape = [5, 3];
    const options: MuonOptions = { equilibrate: 'rows', learningRate: 0.1 };
    const [start, g] = [random(1, shape), random(2, shape)];
    const stored = at(walk(muon({ ...options, layout: 'in-out' }), [3, 5], transposed(start, 5, 3), [transposed(g, 5, 3)]), 1);
    expect(distance(transposed(stored, 3, 5), at(walk(muon(options), shape, start, [g]), 1))).toBeLessThan(1e-14);
  });

  it('multiplying a row of the gradient by a positive number changes the direction only by the length of all', () => {
    const shape: Shape = [4, 6];
    const g = random(3, shape);
    const scaled = g.map((x, i) => x * at([1, 50, 0.02, 3], Math.floor(i / 6)));
    const options: MuonOptions = { equilibrate: 'rows', epsilon: 0, momentum: 0 };
    const [one, other] = [g, scaled].map((gradient) => at(walk(muon(options), shape, new Float64Array(24), [gradient]), 1));
    expect(distance(at([one], 0) ?? [], other ?? [])).toBeLessThan(1e-13);
  });
});

describe('after the polar factor', () => {
  it('renormalize gives the length of an exact one', () => {
    const length = Math.hypot(...G.flat());
    expectClose(
      direction({ renormalize: true }, G),
      G.map((row) => row.map((x) => (x * Math.SQRT2) / length)),
    );
    const small: Matrix = [
      [1e-8, 0],
      [0, 0],
    ];
    expectClose(
      direction({ renormalize: true }, small),
      small.map((row) => row.map((x) => x * Math.SQRT2 * 1e6)),
    );
  });

  it('scaleDecay decays by η times the factor of the shape', () => {
    const W = random(4, [9, 1 + 3]);
    const decayed = (options: MuonOptions): Float64Array =>
      at(walk(muon({ learningRate: 0.1, weightDecay: 0.5, ...options }), [9, 4], W, [new Float64Array(36)]), 1);
    expect(
      distance(
        decayed({ scaleDecay: true }),
        W.map((x) => x * (1 - 0.1 * 1.5 * 0.5)),
      ),
    ).toBeLessThan(1e-15);
    expect(
      distance(
        decayed({}),
        W.map((x) => x * (1 - 0.1 * 0.5)),
      ),
    ).toBeLessThan(1e-15);
  });
});

describe('NorMuon', () => {
  /** Two calls by the formula, for matrices whose polar factor is the gradient itself. */
  function byHand(gradients: readonly Matrix[], beta2: number, epsilon: number, sum: (O: Matrix) => number[][]): number[][] {
    let v: number[] = [];
    let W: number[][] = [];
    for (const O of gradients) {
      const squares = sum(O).map((line) => line.reduce((total, x) => total + x * x, 0) / line.length);
      v = squares.map((x, i) => beta2 * (v[i] ?? 0) + (1 - beta2) * x);
      const perRow = sum(O).length === O.length && sum(O)[0]?.length === O[0]?.length;
      const P = O.map((row, i) => row.map((x, j) => x / (Math.sqrt(at(v, perRow ? i : j)) + epsilon)));
      const factor = Math.hypot(...O.flat()) / (Math.hypot(...P.flat()) + epsilon);
      W = P.map((row, i) => row.map((x, j) => (W[i]?.[j] ?? 0) - x * factor));
    }
    return W;
  }
  const gradients = (m: number, n: number): number[][][] => [11, 12, 13].map((seed) => rows(random(seed, [m, n]), n));
  const columnsOf = (O: Matrix): number[][] => at(O, 0).map((_, j) => O.map((row) => at(row, j)));
  const rowsOf = (O: Matrix): number[][] => O.map((row) => [...row]);

  it.each([
    ['rows', [5, 3], rowsOf],
    ['rows', [3, 5], rowsOf],
    ['longer', [5, 3], rowsOf],
    ['longer', [3, 5], columnsOf],
  ] as const)('is its formula, variance of %s, shape %j', (varianceAxis, shape, sum) => {
    const rule = norMuon({ ...untouched, beta2: 0.8, varianceEpsilon: 1e-3, varianceAxis });
    const [m, n] = shape;
    const given = gradients(m, n);
    const path = walk(
      rule,
      shape,
      new Float64Array(15),
      given.map((g) => g.flat()),
    );
    expectClose(rows(at(path, 3), n), byHand(given, 0.8, 1e-3, sum));
  });

  it('keeps the length of the polar factor', () => {
    const [shape, zero] = [[6, 4], new Float64Array(24)] as const;
    const path = [21, 22, 23].map((seed) => random(seed, shape));
    const options: MuonOptions = { momentum: 0, orthogonalization: 'svd', scale: 'none', learningRate: 1 };
    const moved = walk(norMuon(options), shape, zero, path);
    for (const [i, w] of moved.slice(1).entries()) {
      expect(Math.hypot(...w.map((x, j) => x - at(Array.from(at(moved, i)), j)))).toBeCloseTo(2, 9);
    }
  });

  it('leaves a row that is 0 where it is, and everything where there is no gradient', () => {
    const g = random(31, [4, 3]).fill(0, 3, 6);
    const [, once] = walk(norMuon({ learningRate: 0.1 }), [4, 3], random(32, [4, 3]), [g]);
    expect(Array.from(once ?? []).slice(3, 6)).toEqual(Array.from(random(32, [4, 3])).slice(3, 6));
    const [start, still] = walk(norMuon(), [4, 3], random(33, [4, 3]), [new Float64Array(12)]);
    expect(still).toEqual(start);
  });

  it('keeps one number a row: of an in-out kernel one an output, of a kernel per tap one a tap and output', () => {
    const shapesOf = (options: MuonOptions, shape: Shape): number => {
      const count = shape.reduce((a, b) => a * b, 1);
      const parameters = { w: { shape, data: new Float64Array(count) } };
      const optimizer = createOptimizer({ transform: norMuon(options), parameters, backend: reference() });
      return optimizer.state['hidden/variance.v:w']?.length ?? 0;
    };
    expect(shapesOf({}, [4, 3, 2, 2])).toBe(4);
    expect(shapesOf({ layout: 'in-out' }, [2, 2, 3, 4])).toBe(4);
    expect(shapesOf({ convolution: 'per-tap' }, [4, 3, 2, 2])).toBe(16);
  });

  it('stores out-in and in-out alike', () => {
    const [start, g] = [random(41, [6, 4]), random(42, [6, 4])];
    const [, one] = walk(norMuon(), [6, 4], start, [g]);
    const [, other] = walk(norMuon({ layout: 'in-out' }), [4, 6], transposed(start, 6, 4), [transposed(g, 6, 4)]);
    expect(distance(transposed(other ?? [], 4, 6), one ?? [])).toBeLessThan(1e-14);
  });

  it('refuses what it cannot use', () => {
    expect(() => norMuon({ beta2: 1 })).toThrow('normuon: beta2 must be in [0, 1), received 1');
    expect(() => norMuon({ varianceEpsilon: 0 })).toThrow('normuon: varianceEpsilon must be a finite number > 0, received 0');
    expect(() => norMuon({ learningRate: 0.5, weightDecay: 2 })).toThrow(
      'normuon: weightDecay must be below 1/learningRate = 2, received 2',
    );
  });
});
