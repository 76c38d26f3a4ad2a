import { describe, expect, it } from 'vitest';
import * as bases from './index.ts';
import { commonDirections, full, hebbian, random, topK } from './index.ts';
import { type Columns, distance, drive, gram, sumOfOuter, wave } from './testing/drive.ts';

const d = 8;
const e = (i: number, size = 1): number[] => Array.from({ length: d }, (_, j) => (i === j ? size : 0));
const gradients = (n: number): Columns[] => Array.from({ length: n }, (_, t) => ({ Y: [wave(d, t)] }));
const orthonormal = (Q: readonly (readonly number[])[]): number =>
  Math.max(0, ...gram(Q).flatMap((row, i) => row.map((x, j) => Math.abs(x - Number(i === j)))));

describe('full', () => {
  it('starts from I and sums, or averages', () => {
    const corrections = gradients(3);
    const identity = sumOfOuter(Array.from({ length: d }, (_, i) => ({ Y: [e(i)] })));
    const sum = drive(full({ beta: null }), corrections).at(-1);
    const expected = sumOfOuter(corrections).map((x, i) => x + (identity[i] ?? 0));
    expect(distance(sum?.matrix ?? [], expected)).toBeLessThan(1e-12);
    const average = drive(full({ beta: 0.5 }), corrections).at(-1);
    const weighted = sumOfOuter(corrections, (i) => 0.5 ** (3 - i)).map((x, i) => x + 0.125 * (identity[i] ?? 0));
    expect(distance(average?.matrix ?? [], weighted)).toBeLessThan(1e-12);
  });

  it('symmetrises a correction with a Z of its own (D20)', () => {
    const corrections = [{ Y: [wave(d, 1)], Z: [wave(d, 2)] }];
    const [one] = drive(full({ beta: null, eigTol: null }), corrections);
    const identity = sumOfOuter(Array.from({ length: d }, (_, i) => ({ Y: [e(i)] })));
    expect(
      distance(
        one?.matrix ?? [],
        sumOfOuter(corrections).map((x, i) => x + (identity[i] ?? 0)),
      ),
    ).toBeLessThan(1e-12);
  });
});

describe('hebbian', () => {
  /** Noise with two strong directions: how much of the variance a basis catches. */
  const data = Array.from({ length: 400 }, (_, t) => ({ Y: [wave(d, t).map((x, i) => x * (i < 2 ? 1 : 0.2))] }));
  const caught = (Q: readonly (readonly number[])[]): number => {
    const total = data.reduce((sum, { Y }) => sum + (Y[0] ?? []).reduce((all, x) => all + x * x, 0), 0);
    const inside = data.reduce(
      (sum, { Y }) => sum + Q.reduce((all, q) => all + q.reduce((dot, x, i) => dot + x * (Y[0]?.[i] ?? 0), 0) ** 2, 0),
      0,
    );
    return inside / total;
  };

  it.each(['adamg', 'gd', 'stiefel-gd'] as const)('with %s turns towards the leading directions (D4)', (opt) => {
    const path = drive(hebbian({ rank: 2, learningRate: 0.05, opt }), data);
    expect(caught(path[0]?.Q ?? [])).toBeLessThan(0.5);
    expect(caught(path.at(-1)?.Q ?? [])).toBeGreaterThan(opt === 'adamg' ? 0.7 : 0.85);
    expect(orthonormal(path.at(-1)?.Q ?? [])).toBeLessThan(opt === 'adamg' ? 1e-2 : 1e-12);
  });

  it.each([{ cautious: true }, { valueClip: 0.1 }, { normClip: 0.1 }, { reorthoFreq: 5 }])('takes %o', (options) => {
    const last = drive(hebbian({ rank: 2, learningRate: 0.05, ...options }), data.slice(0, 100)).at(-1);
    expect(last?.Q.flat().every(Number.isFinite)).toBe(true);
    expect(orthonormal(last?.Q ?? [])).toBeLessThan(1e-2);
  });

  it('carries state from the basis it had, not from the one it has (D5)', () => {
    const [first, second] = drive(hebbian({ rank: 2, opt: 'gd', learningRate: 0.5 }), gradients(2));
    const C = (second?.Q ?? []).flatMap((a) => (first?.Q ?? []).map((b) => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0)));
    expect(distance([...(second?.C ?? [])], C)).toBeLessThan(1e-12);
    expect(distance(C, [1, 0, 0, 1])).toBeGreaterThan(1e-3);
  });

  it('refuses plain steps without a QR after each', () => {
    expect(() => hebbian({ opt: 'gd', reorthoFreq: null })).toThrow("hebbian: reorthoFreq with opt 'gd' must be 1, received null");
  });
});

describe('random', () => {
  it('is orthonormal, ignores corrections, and is drawn anew every generateFreq updates (D13)', () => {
    const path = drive(random({ rank: 3, generateFreq: 3 }), gradients(7));
    const change = path.map(({ Q }, t) => distance(Q.flat(), (path[t - 1]?.Q ?? Q).flat()) > 0);
    expect(change).toEqual([false, false, false, true, false, false, true]);
    for (const { Q } of path) expect(orthonormal(Q)).toBeLessThan(1e-12);
  });

  it('has no more columns than the space (D13)', () => {
    const [first] = drive(random({ rank: 20 }), gradients(1));
    expect(first?.Q).toHaveLength(d);
    expect(orthonormal(first?.Q ?? [])).toBeLessThan(1e-12);
  });
});

describe('commonDirections', () => {
  it('keeps rank + 1 directions, newest last, and skips dependent ones', () => {
    const path = drive(commonDirections({ rank: 2 }), [
      ...gradients(2),
      { Y: [wave(d, 1).map((x) => 2 * x)] },
      { Y: [wave(d, 5)] },
      { Y: [wave(d, 6)] },
    ]);
    expect(path.map(({ Q }) => Q.length)).toEqual([1, 2, 2, 3, 3]);
    for (const { Q } of path) expect(orthonormal(Q)).toBeLessThan(1e-12);
    expect(distance([...(path[4]?.Q[0] ?? [])], [...(path[3]?.Q[1] ?? [])])).toBeLessThan(1e-12);
  });
});

describe('topK', () => {
  it('selects the largest coordinates, equal ones included (D22)', () => {
    const [first, equal] = drive(topK({ topk: 2 }), [{ Y: [[0, -5, 1, 3, 0, 0, 0, 0]] }, { Y: [new Array(d).fill(1)] }]);
    expect(first?.Q).toEqual([e(1), e(3)]);
    expect(first?.L).toEqual([5, 3]);
    expect(equal?.Q).toHaveLength(2);
  });

  it('averages magnitudes with β', () => {
    const last = drive(topK({ topk: 1, beta: 0.5 }), [{ Y: [e(0, 4)] }, { Y: [e(1, 1)] }]).at(-1);
    expect(last?.Q).toEqual([e(0)]);
    expect(last?.L).toEqual([1]);
  });
});

it('offers none of the experiments with defects (D22)', () => {
  for (const name of ['randomPermutation', 'weightedPermutation', 'histogram', 'lowRankSketch'])
    expect(Object.keys(bases)).not.toContain(name);
});
