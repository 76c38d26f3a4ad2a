import { createOptimizer, iota, OptionTypeError, type Program, perTensor, repeat, rule, type Tensor, trace, where } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { reference } from './reference.ts';

/** Runs a program of one input vector, or of several, and gives its outputs. */
function run(program: Program, inputs: Record<string, readonly number[]>, precision: 'f32' | 'f64' = 'f64'): Record<string, number[]> {
  const backend = reference({ precision });
  const buffers = new Map(
    [...program.inputs, ...program.outputs].map(({ key, shape, dtype }) => [key, backend.create('slot', key, shape, dtype)]),
  );
  const buffer = (key: string) => {
    const found = buffers.get(key);
    if (found === undefined) throw new Error(key);
    return found;
  };
  for (const [key, data] of Object.entries(inputs)) backend.write(buffer(key), data);
  backend.compile(program, buffer).run(new Float64Array(program.host.scalars.length));
  return Object.fromEntries(program.outputs.map(({ key }) => [key, [...backend.readBuffer(buffer(key))]]));
}

const of = (shape: readonly number[], data: readonly number[], f: (x: Tensor) => Tensor): number[] =>
  run(
    trace({ x: shape }, ({ x }) => ({ y: f(x) })),
    { x: data },
  )['y'] ?? [];

describe('the interpreter, against numbers written out', () => {
  it.each<[string, number[], readonly number[]]>([
    ['broadcast', of([2, 1], [1, 2], (x) => x.add(iota(3))), [1, 2, 3, 2, 3, 4]],
    ['sum over rows', of([2, 3], [1, 2, 3, 4, 5, 6], (x) => x.sum([0])), [5, 7, 9]],
    ['sum over columns', of([2, 3], [1, 2, 3, 4, 5, 6], (x) => x.sum([1])), [6, 15]],
    ['maximum', of([2, 3], [1, 9, 3, -4, -5, -6], (x) => x.maximum([1])), [9, -4]],
    ['transpose of three axes', of([1, 2, 3], [1, 2, 3, 4, 5, 6], (x) => x.transpose([2, 0, 1])), [1, 4, 2, 5, 3, 6]],
    ['slice', of([3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9], (x) => x.slice([1, 0], [3, 2])), [4, 5, 7, 8]],
    ['gather along columns', of([2, 3], [1, 2, 3, 4, 5, 6], (x) => x.gather(iota(3).mul(-1).add(2).int(), 1)), [3, 2, 1, 6, 5, 4]],
    ['row, clamped', of([3, 2], [1, 2, 3, 4, 5, 6], (x) => x.row(7)), [5, 6]],
    ['row below, clamped', of([3, 2], [1, 2, 3, 4, 5, 6], (x) => x.row(-7)), [1, 2]],
    ['row that is no number, clamped', of([3, 2], [1, 2, 3, 4, 5, 6], (x) => x.row(x.sum().mul(Number.NaN))), [1, 2]],
    ['setRow', of([3, 2], [1, 2, 3, 4, 5, 6], (x) => x.setRow(1, x.row(0).neg())), [1, 2, -1, -2, 5, 6]],
    ['setRow, clamped', of([2, 1], [1, 2], (x) => x.setRow(9, x.row(0).neg())), [1, -1]],
    ['argsort, stable', of([6], [2, 1, 2, 1, 0, 2], (x) => x.argsort()), [4, 1, 3, 0, 2, 5]],
    ['matmul', of([2, 2], [1, 2, 3, 4], (x) => x.matmul(x)), [7, 10, 15, 22]],
    ['matmul, transposed', of([2, 2], [1, 2, 3, 4], (x) => x.matmul(x, { transposeA: true })), [10, 14, 14, 20]],
    ['matmul, α and β', of([2, 2], [1, 2, 3, 4], (x) => x.matmul(x, { transposeB: true, alpha: 2, add: x, beta: -1 })), [9, 20, 19, 46]],
    ['matmul of a batch with one', of([2, 1, 2], [1, 2, 3, 4], (x) => x.matmul(x.row(0).reshape([2, 1]))), [5, 11]],
    ['where', of([3], [1, 0, -1], (x) => where(x, x.mul(10), 7)), [10, 7, -10]],
    ['int truncates', of([4], [1.7, -1.7, 0.2, -0.2], (x) => x.int()), [1, -1, 0, -0]],
    ['repeat', of([1], [1], (x) => repeat(4, { x }, ({ x: y }) => ({ x: y.mul(2) })).x), [16]],
    [
      'repeat until',
      of(
        [1],
        [1],
        (x) =>
          repeat(
            10,
            { x },
            ({ x: y }) => ({ x: y.mul(2) }),
            ({ x: y }) => y.sum().gt(5),
          ).x,
      ),
      [8],
    ],
  ])('%s', (_, actual, expected) => {
    expect(actual).toEqual(expected);
  });

  it('in f32 rounds after every operation, in wide not', () => {
    const program = trace({ x: [1] }, ({ x }) => ({
      working: x.add(1e-8).sub(1),
      wide: x.wide().add(1e-8).sub(1),
      tenth: x.mul(0.1),
      total: x.broadcastTo([10]).mul(0.1).sum(),
    }));
    expect(run(program, { x: [1] }, 'f32')).toEqual({
      working: [0],
      wide: [1 + 1e-8 - 1],
      tenth: [Math.fround(0.1)],
      // Summed in f64, rounded once.
      total: [Math.fround(10 * Math.fround(0.1))],
    });
  });
});

describe('results that take over an input', () => {
  it('see every old value: a swap is a swap', () => {
    const swap = rule(
      perTensor({
        name: 'swap',
        state: ({ shape }) => ({ a: { shape, kind: 'invariant', init: 1 }, b: { shape, kind: 'invariant', init: 2 } }),
        apply: ({ parameter: p, state: { a, b } }) => ({ parameter: a.add(0), state: { a: b, b: p } }),
      }),
    );
    const optimizer = createOptimizer({ transform: swap, parameters: { w: { shape: [1], data: [3] } }, backend: reference() });
    const seen = [0, 1, 2].map(() => {
      optimizer.step({ w: [0] });
      return [optimizer.parameters.w[0], optimizer.state['swap.a:w']?.[0], optimizer.state['swap.b:w']?.[0]];
    });
    expect(seen).toEqual([
      [1, 2, 3],
      [2, 3, 1],
      [3, 1, 2],
    ]);
  });
});

describe('the backend', () => {
  it('knows two precisions', () => {
    expect([reference().precision, reference({ precision: 'f32' }).precision, reference().name]).toEqual(['f64', 'f32', 'reference-f64']);
    expect(() => Reflect.apply(reference, undefined, [{ precision: 'f16' }])).toThrow(OptionTypeError);
    expect(() => Reflect.apply(reference, undefined, [{ precisoin: 'f32' }])).toThrow("did you mean 'precision'?");
    expect(() => Reflect.apply(reference, undefined, ['f32'])).toThrow("reference: options must be an object, received 'f32'");
  });

  it('holds f32 values in f32, wide ones in f64', () => {
    const backend = reference({ precision: 'f32' });
    const [working, wide] = [backend.create('slot', 'a', [1], 'working'), backend.create('slot', 'b', [1], 'wide')];
    backend.write(working, [0.1]);
    backend.write(wide, [0.1]);
    expect([backend.readBuffer(working)[0], backend.readBuffer(wide)[0]]).toEqual([Math.fround(0.1), 0.1]);
  });
});
