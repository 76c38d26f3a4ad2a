import { concat, iota, repeat, type Shape, type Tensor, trace, where } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { wasm } from './index.ts';
import { donating, expectSame, expectTrace, runOn } from './testing/compare.ts';
import { noise } from './testing/noise.ts';

const subsets = (rank: number): number[][] =>
  Array.from({ length: 2 ** rank - 1 }, (_, bits) =>
    Array.from({ length: rank }, (_, axis) => axis).filter((axis) => ((bits + 1) >> axis) & 1),
  );

// Around the steps of four, of the unrolled turns, and of nests that are written out.
const lengths = [1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 19, 31, 32, 33, 63, 64, 65, 127, 130, 1001];

describe('lengths and tails', () => {
  it.each(lengths)('%i elements', (n) => {
    expectTrace({ x: [n], y: [n] }, ({ x, y }) => ({
      light: x.add(y),
      heavy: x.mul(y).add(x.abs().sqrt()).div(y.square().add(1)).sub(x.max(y)).add(x.min(0.25)).mul(x.sign()).copySign(y),
      wide: x.wide().mul(y).add(1e-9),
      mixed: where(x.wide().gt(y.wide()), x, y).add(iota(n)),
      total: x.sum(),
      wideTotal: x.wide().sum(),
      largest: x.maximum(),
      wideLargest: y.wide().maximum(),
      finite: x.isFinite().not().maximum().not(),
      count: x.gt(0).sum(),
    }));
  });

  it.each([0, 3, 5, 16, 37, 1000])('a NaN or an infinity at %i of 1001 is found', (at) => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const x = noise(1001);
      x[at] = bad;
      const verdict = trace({ x: [1001] }, ({ x }) => ({
        poisoned: x.isFinite().not().maximum(),
        wide: x.wide().isFinite().not().maximum(),
      }));
      const { poisoned, wide } = runOn(wasm(), verdict, { x });
      expect([poisoned?.[0], wide?.[0]]).toEqual([1, 1]);
    }
  });
});

describe('reductions over every set of axes', () => {
  const shapes: Shape[] = [
    [37, 53],
    [64, 64],
    [5, 67, 3],
    [3, 5, 68],
    [2, 3, 4, 65],
    [1, 130],
    [130, 1],
    [40, 4],
  ];
  it.each(shapes)('[%i, %i, …]', (...shape) => {
    for (const axes of subsets(shape.length)) {
      for (const keep of [false, true]) {
        expectTrace({ x: shape }, ({ x }) => ({
          sum: x.mul(2).sum(axes, { keep }),
          maximum: x.maximum(axes, { keep }),
          wide: x.wide().sum(axes, { keep }),
          wideMaximum: x.wide().maximum(axes, { keep }),
          centred: x.sub(x.mean(axes, { keep: true })),
        }));
      }
    }
  });

  it('gives what a reduction of nothing gives', () => {
    expectTrace({ x: [0, 3], y: [0] }, ({ x, y }) => ({
      sum: x.sum([0]),
      all: x.sum(),
      most: x.maximum([0]),
      none: x.add(1),
      copy: y.neg(),
      joined: concat([y, y]),
    }));
  });
});

describe('walks', () => {
  const orders = [
    [1, 0, 2],
    [2, 1, 0],
    [0, 2, 1],
    [1, 2, 0],
  ];
  it.each(orders)('transposition [%i, %i, %i]', (...order) => {
    expectTrace({ x: [16, 20, 64] }, ({ x }) => {
      const moved = x.transpose(order);
      return { plain: moved, fused: moved.mul(2).add(x.reshape(moved.shape)), sums: moved.sum([1]) };
    });
  });

  it('transposes in tiles, and adds what it transposed', () => {
    expectTrace({ x: [64, 128], y: [128, 64], r: [64] }, ({ x, y, r }) => ({
      t: x.T,
      sum: x.add(y.T),
      scaled: x.T.mul(r),
      both: x.T.wide(),
    }));
  });

  it('broadcasts rows, columns and scalars, also of expressions', () => {
    expectTrace({ x: [33, 20], r: [20], c: [33, 1], s: [] }, ({ x, r, c, s }) => ({
      plain: x.mul(r).add(c).sub(s),
      made: x.mul(r.abs().sqrt().add(1)).add(c.square().exp()).sub(s.abs().sqrt()),
      outer: c.mul(r).reshape([660]),
      rank3: x.reshape([33, 4, 5]).add(r.slice([0], [5])),
    }));
  });

  it('slices, also of expressions and in both directions', () => {
    expectTrace({ x: [20, 30] }, ({ x }) => ({
      rows: x.slice([3], [9]).matmul(x.slice([3], [9]), { transposeB: true }),
      block: x.slice([3, 4], [9, 17]).neg(),
      late: x.mul(3).add(1).slice([1, 5], [20, 26]).T,
      joined: concat([x.slice([0, 0], [20, 7]), x.mul(2), x.T.slice([0, 0], [20, 20])], 1),
      flat: x.reshape([600]).slice([37], [411]).add(1).reshape([11, 34]),
    }));
  });
});

describe('what takes the place of what it replaces', () => {
  const n = 70;
  const replacing =
    <K extends string>(
      inputs: Readonly<Record<K, Shape>>,
      f: (tensors: Record<K, Tensor>) => Readonly<Record<string, Tensor>>,
      into: Readonly<Record<string, NoInfer<K>>>,
    ) =>
    () =>
      expectSame(donating(trace(inputs, f), into), {}, 2e-5, [], 3);
  const cases: Readonly<Record<string, () => void>> = {
    'two buffers that change places': replacing({ a: [n], b: [n] }, ({ a, b }) => ({ x: b, y: a }), { x: 'a', y: 'b' }),
    'a transposition into itself': replacing({ a: [65, 65] }, ({ a }) => ({ x: a.T }), { x: 'a' }),
    'a transposition added to itself': replacing({ a: [64, 64] }, ({ a }) => ({ x: a.add(a.T) }), { x: 'a' }),
    'an old value that is read late': replacing(
      { a: [n], b: [n] },
      ({ a, b }) => ({ x: a.add(b.sum()), y: b.mul(a.sum()), z: a.mul(b).sum() }),
      { x: 'a', y: 'b' },
    ),
    'a product into one of its factors': replacing({ a: [9, 9], b: [9, 9] }, ({ a, b }) => ({ x: a.matmul(b), y: b.matmul(a) }), {
      x: 'a',
      y: 'b',
    }),
    'a product added to what it replaces': replacing(
      { a: [9, 9], g: [9, 5] },
      ({ a, g }) => ({ x: g.matmul(g, { transposeB: true, alpha: 0.1, add: a, beta: 0.9 }), y: a.sum() }),
      { x: 'a' },
    ),
    'a product added to what it also multiplies': replacing(
      { a: [9, 9] },
      ({ a }) => ({ x: a.matmul(a, { alpha: 0.1, add: a, beta: 0.9 }) }),
      { x: 'a' },
    ),
    'a row': replacing({ h: [5, n], g: [n] }, ({ h, g }) => ({ x: h.setRow(2, g.add(h.row(2))) }), { x: 'h' }),
    'a row that is made of another one': replacing({ h: [5, n] }, ({ h }) => ({ x: h.setRow(2, h.row(3).mul(2)), y: h.sum([0]) }), {
      x: 'h',
    }),
    'a row that the data choose': replacing(
      { h: [5, n], i: [] },
      ({ h, i }) => ({ x: h.setRow(i.mul(10), h.row(i.mul(10)).add(1)), y: h.row(i) }),
      { x: 'h' },
    ),
    'a row chosen by one index, made of another': replacing(
      { h: [5, n], i: [] },
      ({ h, i }) => ({ x: h.setRow(i.mul(3), h.row(i.add(2)).add(1)) }),
      { x: 'h' },
    ),
    'two rows': replacing({ h: [5, n], g: [n] }, ({ h, g }) => ({ x: h.setRow(2, g).setRow(3, h.row(2)) }), { x: 'h' }),
    'a reduction into its operand': replacing({ a: [1, n] }, ({ a }) => ({ x: a.sum([0], { keep: true }).mul(2) }), { x: 'a' }),
    'a loop over what is replaced': replacing(
      { a: [n], b: [n] },
      ({ a, b }) => ({ x: repeat(3, { c: a }, ({ c }) => ({ c: c.mul(0.5).add(b) })).c, y: b.sub(a) }),
      { x: 'a', y: 'b' },
    ),
    'a shift along the axis': replacing({ a: [n] }, ({ a }) => ({ x: concat([a.slice([1], [n]), a.slice([0], [1])]) }), { x: 'a' }),
    'a gather from itself': replacing({ a: [n] }, ({ a }) => ({ x: a.gather(a.argsort(), 0) }), { x: 'a' }),
    'moments and parameter in one pass': replacing(
      { p: [n], g: [n], m: [n], v: [n] },
      ({ p, g, m, v }) => {
        const [m1, v1] = [m.lerp(g, 0.1), v.lerp(g.square(), 0.01)];
        return { v1, m1, p1: p.sub(m1.div(v1.abs().sqrt().add(1e-3)).mul(0.01)), old: p.sub(m) };
      },
      { p1: 'p', m1: 'm', v1: 'v' },
    ),
  };
  it.each(Object.entries(cases))('%s', (_, check) => check());
});
