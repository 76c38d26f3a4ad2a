import { describe, expect, it } from 'vitest';
import type { Program } from '../program/program.ts';
import { alongAxis, axisGram, unfolding } from './modes.ts';
import type { Tensor } from './tensor.ts';
import { trace } from './trace.ts';

const traced = (f: (x: Tensor, M: Tensor) => Tensor, d: number): Program =>
  trace({ x: [2, 3, 4], M: [d, d] }, ({ x, M }) => ({ y: f(x, M) }));
const ops = (program: Program): string[] => program.nodes.map(({ operation }) => operation.op).filter((op) => op !== 'input');

describe('along one axis of a tensor', () => {
  it.each([0, 1, 2])('a product is one product of matrices, whatever the axis: %i', (axis) => {
    const program = traced((x, M) => alongAxis(x, axis, M), axis + 2);
    expect(ops(program).filter((op) => op !== 'reshape' && op !== 'literal')).toEqual(['matmul']);
    expect(program.nodes[program.results[0] ?? -1]?.shape).toEqual([2, 3, 4]);
  });

  it('a matrix of another size is refused', () => {
    expect(() => traced((x, M) => alongAxis(x, 1, M), 4)).toThrow('matmul: shapes [4, 4] and [2, 3, 4] do not fit');
    expect(() => traced((x, M) => alongAxis(x, 3, M), 4)).toThrow('along an axis');
  });

  it.each([
    [0, [2, 12]],
    [1, [3, 8]],
    [2, [4, 6]],
  ])('an unfolding has the axis first, and comes back: %i', (axis, shape) => {
    const seen: (readonly number[])[] = [];
    traced((x) => {
      const { matrix, fold } = unfolding(x, axis);
      seen.push(matrix.shape, fold(matrix).shape);
      return x;
    }, 1);
    expect(seen).toEqual([shape, [2, 3, 4]]);
  });

  it.each([0, 1, 2])('a Gram matrix is known to be symmetric: half the work, %i', (axis) => {
    const program = traced((x, M) => axisGram(x, axis, { alpha: 0.5, add: M.matmul(M, { transposeB: true }) }), axis + 2);
    const result = program.nodes[program.results[0] ?? -1];
    expect([result?.shape, result?.symmetric]).toEqual([[axis + 2, axis + 2], true]);
  });
});
