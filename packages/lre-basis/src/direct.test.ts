import { describe, expect, it } from 'vitest';
import { type AccumulatorOptions, direct, type LowRankBasis, nystrom, randomised } from './index.ts';
import { type Columns, distance, drive, gram, sumOfOuter, wave } from './testing/drive.ts';

const d = 9;
const gradients = (n: number, scale = 1): Columns[] => Array.from({ length: n }, (_, t) => ({ Y: [wave(d, t).map((x) => scale * x)] }));
const plain: AccumulatorOptions = { rank: d, eigTol: 1e-10, updateDamping: 0 };
const orthonormal = (Q: readonly (readonly number[])[]): number =>
  Math.max(0, ...gram(Q).flatMap((row, i) => row.map((x, j) => Math.abs(x - Number(i === j)))));

describe.each<[string, (options: AccumulatorOptions) => LowRankBasis]>([
  ['direct', direct],
  ['randomised', (options) => randomised({ ...options, oversampling: 4 })],
  ['nystrom', (options) => nystrom({ ...options, oversampling: 4 })],
])('%s', (name, make) => {
  it('sums, without β', () => {
    const corrections = gradients(5);
    drive(make({ ...plain, beta: null }), corrections).forEach(({ matrix, Q }, t) => {
      expect(distance(matrix, sumOfOuter(corrections.slice(0, t + 1)))).toBeLessThan(1e-9);
      expect(orthonormal(Q)).toBeLessThan(1e-9);
    });
  });

  it('averages with β, its bias by columns seen', () => {
    const corrections = gradients(4);
    drive(make({ ...plain, beta: 0.8 }), corrections).forEach(({ matrix }, t) => {
      const weight = (i: number): number => (0.2 * 0.8 ** (t - i)) / (1 - 0.8 ** (t + 1));
      expect(distance(matrix, sumOfOuter(corrections.slice(0, t + 1), weight))).toBeLessThan(1e-9);
    });
  });

  it('keeps the largest eigenvalues beyond its rank (D6)', () => {
    const e = (i: number, size: number): Columns => ({ Y: [Array.from({ length: d }, (_, j) => (i === j ? size : 0))] });
    const last = drive(make({ ...plain, rank: 2, beta: null }), [e(0, 3), e(1, 1), e(2, 2), e(3, 0.5)]).at(-1);
    expect(last?.L.map((x) => Math.round(x * 1e6) / 1e6)).toEqual([4, 9]);
  });

  it('takes dependent and zero columns in the first correction, up to its rank (D3)', () => {
    const y = wave(d, 1);
    const [first] = drive(make({ ...plain, rank: 2, beta: null }), [
      { Y: [y, y.map((x) => -2 * x), new Array(d).fill(0), wave(d, 2), wave(d, 3)] },
    ]);
    expect(first?.Q).toHaveLength(2);
    expect(orthonormal(first?.Q ?? [])).toBeLessThan(1e-12);
    const [dependent] = drive(make({ ...plain, beta: null }), [{ Y: [y, y.map((x) => -2 * x), new Array(d).fill(0)] }]);
    expect(dependent?.Q).toHaveLength(1);
    expect(distance(dependent?.matrix ?? [], sumOfOuter([{ Y: [y, y.map((x) => -2 * x)] }]))).toBeLessThan(1e-12);
  });

  it('is as exact for gradients of 1e-20 as for large ones (D19)', () => {
    const tiny = gradients(3, 1e-20);
    const ranks = drive(make({ ...plain, beta: null }), tiny).map(({ Q }) => Q.length);
    expect(ranks).toEqual([1, 2, 3]);
  });

  it('does not grow for a correction inside its span', () => {
    const y = wave(d, 1);
    const ranks = drive(make({ ...plain, beta: null }), [{ Y: [y] }, { Y: [y.map((x) => 3 * x)] }, { Y: [new Array(d).fill(0)] }]).map(
      ({ Q }) => Q.length,
    );
    expect(ranks).toEqual([1, 1, 1]);
  });

  it('regularises the copy that is used: truncation, tolerance, damping', () => {
    const last = drive(make({ ...plain, beta: null, updateTruncate: 2, updateDamping: 1, updateRdamping: 0.5 }), gradients(4)).at(-1);
    expect(last?.Q).toHaveLength(2);
    const bare = drive(make({ ...plain, beta: null }), gradients(4)).at(-1);
    const [, , second = 0, first = 0] = bare?.L ?? [];
    expect(last?.L[1]).toBeCloseTo(first + 1 + 0.5 * first, 8);
    expect(last?.L[0]).toBeCloseTo(second + 1 + 0.5 * first, 8);
    expect(distance(last?.matrix ?? [], bare?.matrix ?? [])).toBeLessThan(1e-9);
    expect(drive(make({ ...plain, beta: null, updateEigTol: 0.99 }), gradients(4)).at(-1)?.Q).toHaveLength(1);
  });

  it('compounds damping of the accumulator from update to update', () => {
    const corrections = gradients(3);
    const damped = drive(make({ ...plain, beta: null, damping: 0.1 }), corrections).at(-1);
    const bare = drive(make({ ...plain, beta: null }), corrections).at(-1);
    expect(Math.min(...(damped?.L ?? []))).toBeGreaterThan(Math.min(...(bare?.L ?? [])) + 0.05);
  });

  it('stays orthonormal over a thousand updates', () => {
    const last = drive(make({ rank: 4, beta: 0.9 }), gradients(name === 'direct' ? 1000 : 60)).at(-1);
    expect(orthonormal(last?.Q ?? [])).toBeLessThan(1e-12);
  });
});

describe('direct', () => {
  it('decomposes a signed first pair with its signs (D3)', () => {
    const corrections: Columns[] = [{ Y: [wave(d, 1), wave(d, 2)], alpha: [1, -1] }];
    const [first] = drive(direct({ ...plain, beta: null }), corrections);
    expect(distance(first?.matrix ?? [], sumOfOuter(corrections))).toBeLessThan(1e-12);
    expect(first?.L.map(Math.sign)).toEqual([-1, 1]);
  });

  it('drops negative directions later, or uses their magnitude', () => {
    const corrections: Columns[] = [
      { Y: [wave(d, 1)], alpha: [1] },
      { Y: [wave(d, 2).map((x) => 2 * x)], alpha: [-1] },
    ];
    expect(drive(direct({ ...plain, beta: null }), corrections)[1]?.Q).toHaveLength(1);
    const kept = drive(direct({ ...plain, beta: null, eigTol: null, updateAbs: true }), corrections)[1];
    expect(kept?.Q).toHaveLength(2);
    expect(Math.min(...(kept?.L ?? []))).toBeGreaterThan(0);
  });

  it('takes a Z of its own, symmetrised', () => {
    const corrections: Columns[] = [{ Y: [wave(d, 1)] }, { Y: [wave(d, 2)], Z: [wave(d, 3)] }];
    const last = drive(direct({ ...plain, beta: null, eigTol: null }), corrections).at(-1);
    expect(distance(last?.matrix ?? [], sumOfOuter(corrections))).toBeLessThan(1e-12);
  });

  it('in f32 lets no noise in, whatever the tolerance', () => {
    const y = wave(d, 1);
    const ranks = drive(direct({ eigTol: 0, beta: null }), [{ Y: [y] }, { Y: [y.map((x) => x / 3)] }, { Y: [y.map((x) => x / 7)] }], {
      precision: 'f32',
    });
    expect(ranks.map(({ Q }) => Q.length)).toEqual([1, 1, 1]);
  });
});

it('a sketch with less oversampling than columns depends on the draw, and on nothing else', () => {
  const corrections = [{ Y: [0, 1, 2, 3].map((t) => wave(d, t)) }, { Y: [4, 5, 6, 7].map((t) => wave(d, t)) }];
  const run = (seed: number): number[] => [
    ...(drive(randomised({ rank: 3, oversampling: 0 }), corrections, { seed }).at(-1)?.matrix ?? []),
  ];
  expect(run(1)).toEqual(run(1));
  expect(distance(run(1), run(2))).toBeGreaterThan(1e-6);
});
