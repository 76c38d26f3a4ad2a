import { describe, expect, it } from 'vitest';
import { explain } from '../optimizer/explain.ts';
import { repeat } from '../trace/functions.ts';
import type { Tensor } from '../trace/tensor.ts';
import { trace } from '../trace/trace.ts';
import { perTensor } from '../transform/per-tensor.ts';
import { skipNonFinite } from '../transform/skip-non-finite.ts';
import { cost } from './cost.ts';
import { applyHost, HostBuilder, HostEvaluator } from './host.ts';
import { printProgram, quantity } from './print.ts';
import { binary, unary } from './scalar.ts';
import { broadcast, broadcastStrides, printShape, sameShape, size, strides } from './shape.ts';

describe('shapes', () => {
  it('size, strides, text', () => {
    expect([size([]), size([3]), size([2, 3, 4])]).toEqual([1, 3, 24]);
    expect([strides([]), strides([5]), strides([2, 3, 4])]).toEqual([[], [1], [12, 4, 1]]);
    expect([printShape([]), printShape([2, 3])]).toEqual(['[]', '[2, 3]']);
    expect([sameShape([2, 3], [2, 3]), sameShape([2, 3], [3, 2]), sameShape([2], [2, 1])]).toEqual([true, false, false]);
  });

  it('broadcast as NumPy does', () => {
    expect(broadcast([3, 1], [4])).toEqual([3, 4]);
    expect(broadcast([], [2, 3])).toEqual([2, 3]);
    expect(broadcast([2, 1, 3], [5, 1])).toEqual([2, 5, 3]);
    expect(broadcast([2], [3])).toBeUndefined();
    expect(broadcastStrides([3, 1], [2, 3, 4])).toEqual([0, 1, 0]);
    expect(broadcastStrides([4], [2, 4])).toEqual([0, 1]);
  });
});

describe('scalar arithmetic', () => {
  it('is that of IEEE, with the named exceptions', () => {
    expect([unary.sign(-0), unary.sign(3), unary.isFinite(Number.NaN), unary.isFinite(1), unary.floor(-0.5)]).toEqual([-0, 1, 0, 1, -1]);
    expect([binary.copySign(3, -0), binary.copySign(-3, 0), binary.copySign(-0, 1), binary.copySign(0, -1)]).toEqual([-3, 3, 0, -0]);
    expect([binary.lt(1, Number.NaN), binary.le(1, 1), binary.eq(0, -0), binary.div(0, 0), binary.pow(0, 0)]).toEqual([
      0,
      1,
      1,
      Number.NaN,
      1,
    ]);
    expect([applyHost('where', 0, 1, 2), applyHost('where', -1, 1, 2), applyHost('add', 1, 2, 9), applyHost('neg', 1, 9, 9)]).toEqual([
      2, 1, 3, -1,
    ]);
  });
});

describe('host programs', () => {
  it('equal expressions are one line; only scalars that are used are handed over', () => {
    const host = new HostBuilder();
    const sum = host.apply('add', [host.hyper('rate'), host.literal(1)]);
    expect(host.apply('add', [host.hyper('rate'), host.literal(1)])).toBe(sum);
    const product = host.apply('mul', [sum, host.count('stage:w')]);
    const [unused, used] = [host.scalar(sum), host.scalar(product)];
    expect([unused, used, host.scalar(sum)]).toEqual([0, 1, 0]);
    const program = host.finish([used]);
    const evaluator = new HostEvaluator(program);
    expect([...evaluator.run([0.5], [4], 0)]).toEqual([6]);
    expect([...evaluator.run([1], [2], 0)]).toEqual([4]);
  });

  it('0 and −0 are two constants', () => {
    const host = new HostBuilder();
    expect(host.literal(0)).not.toBe(host.literal(-0));
  });

  it('the number of the call is a scalar too', () => {
    const host = new HostBuilder();
    const evaluator = new HostEvaluator(host.finish([host.scalar(host.call())]));
    expect([...evaluator.run([], [], 41)]).toEqual([41]);
  });
});

const flopsOf = (shapes: Record<string, number[]>, f: (t: Record<string, Tensor>) => Record<string, Tensor>): number =>
  cost(trace(shapes, f)).flops;

describe('cost', () => {
  it.each<[string, number, number]>([
    ['an elementwise operation', flopsOf({ a: [3, 4] }, ({ a }) => ({ y: a?.exp() ?? fail() })), 12],
    ['a sum', flopsOf({ a: [3, 4] }, ({ a }) => ({ y: a?.sum() ?? fail() })), 12],
    ['moving elements', flopsOf({ a: [3, 4] }, ({ a }) => ({ y: a?.T.slice([0, 0], [2, 2]).reshape([4]) ?? fail() })), 0],
    ['a product', flopsOf({ a: [3, 4], b: [4, 5] }, ({ a, b }) => ({ y: a?.matmul(b ?? fail()) ?? fail() })), 2 * 3 * 4 * 5],
    [
      'a transposed product',
      flopsOf({ a: [4, 3], b: [5, 4] }, ({ a, b }) => ({ y: a?.matmul(b ?? fail(), { transposeA: true, transposeB: true }) ?? fail() })),
      120,
    ],
    ['a batch of products', flopsOf({ a: [7, 3, 4], b: [4, 5] }, ({ a, b }) => ({ y: a?.matmul(b ?? fail()) ?? fail() })), 7 * 120],
    ['a Gram matrix', flopsOf({ a: [3, 4] }, ({ a }) => ({ y: a?.matmul(a, { transposeB: true }) ?? fail() })), 3 * 3 * 4],
    ['a loop', flopsOf({ a: [10] }, ({ a }) => repeat(5, { x: a ?? fail() }, ({ x }) => ({ x: x.exp() }))), 50],
  ])('%s', (_, flops, expected) => {
    expect(flops).toBe(expected);
  });

  it('a fused elementwise step reads its inputs and writes its outputs once', () => {
    const adam = perTensor({
      name: 'adam',
      state: ({ shape }) => ({ m: { shape, kind: 'vector' }, v: { shape, kind: 'diagonal' } }),
      apply({ update, parameter: p, state: { m, v } }) {
        // What could overflow would be looked at before it is written.
        const g = update.min(1e15).max(-1e15);
        const [m1, v1] = [m.lerp(g, 0.1), v.lerp(g.square(), 0.01)];
        return { parameter: p.sub(m1.div(v1.sqrt().add(1e-8))), state: { m: m1, v: v1 } };
      },
    });
    const n = 1000;
    const [program] = explain(skipNonFinite(adam), { w: [n] }, 1).programs.filter(({ name }) => name !== 'check');
    // g, p, m, v read; p, m, v written.
    expect(program?.bytes).toBe(7 * 4 * n);
  });
});

function fail(): never {
  throw new Error('a tensor is missing');
}

describe('printProgram', () => {
  it('says what is computed, by whom, and what is written where', () => {
    const stage = perTensor({
      name: 'stage',
      hyper: { rate: 0.1 },
      state: ({ shape }) => ({ m: { shape, kind: 'vector' } }),
      apply: ({ update, parameter, state: { m }, hyper: { rate }, count }) => ({
        parameter: parameter.sub(m.mul(rate.mul(count))),
        state: { m: m.add(update) },
      }),
    });
    const [program] = explain(stage, { w: [2, 3] }, 1).programs;
    const text = program ? printProgram(program.program) : '';
    expect(text).toContain('h0 = mul(rate, count(stage:w))');
    expect(text).toMatch(/%\d+ = sub\(%\d+, %\d+\) working\[2, 3\] {4}— stage:w/);
    expect(text).toMatch(/parameter:w ← %\d+ \(in place\)/);
    expect(text).toMatch(/stage\.m:w ← %\d+ \(in place\)/);
  });

  it('shows loops, attributes and symmetry', () => {
    const text = printProgram(
      trace({ a: [2, 3] }, ({ a }) => ({
        y: repeat(3, { x: a.matmul(a, { transposeB: true }) }, ({ x }) => ({ x: x.mul(2) })).x,
        z: a.transpose([1, 0]).exp(),
      })),
    );
    expect(text).toContain('repeat{times: 3}');
    expect(text).toContain('matmul{transposeB: true}');
    expect(text).toContain('transpose{permutation: [1,0]}');
    expect(text).toContain('working[2, 2] symmetric');
  });

  it('quantities', () => {
    expect([0, 12, 1234, 5.5e6, 7e9].map(quantity)).toEqual(['0 ', '12 ', '1.23 k', '5.50 M', '7.00 G']);
  });
});
