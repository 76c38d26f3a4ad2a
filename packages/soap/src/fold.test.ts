import { reference } from '@opt/backend-reference';
import { createOptimizer, size, trace } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { folding, mergeDims } from './fold.ts';
import { soap } from './soap.ts';

describe('mergeDims', () => {
  it.each<[readonly number[], number, readonly number[]]>([
    [[3, 3, 64, 128], 1024, [576, 128]],
    [[1, 2, 512, 1, 2048, 1, 3, 4], 1024, [1024, 2048, 12]],
    [[32, 32, 2], 1024, [1024, 2]],
    [[1024, 1], 1024, [1024]],
    [[2, 2], 8, [4]],
    [[1, 1, 1], 8, [1]],
    [[9], 8, [9]],
    [[9, 1, 9], 8, [9, 9]],
    [[2, 9, 2], 8, [2, 9, 2]],
    [[8, 1], 8, [8]],
    [[2, 4, 2, 4], 8, [8, 8]],
    [[2, 5, 2, 5], 8, [2, 5, 2, 5]],
    [[3, 2, 2], 1, [3, 2, 2]],
  ])('[%s] with axes of at most %i becomes [%s]', (shape, limit, expected) => {
    expect(mergeDims(shape, limit)).toEqual(expected);
    expect(size(mergeDims(shape, limit))).toBe(size(shape));
  });
});

describe('folding', () => {
  it('there and back is nothing', () => {
    for (const [shape, merge, format] of [
      [[2, 3, 2, 2], true, 'channels_first'],
      [[2, 3, 2, 2], true, 'channels_last'],
      [[2, 3, 2, 2], false, 'channels_first'],
      [[2, 3, 4], true, 'channels_first'],
      [[5], true, 'channels_last'],
      [[], true, 'channels_last'],
    ] as const) {
      const { shape: folded, fold, unfold } = folding(shape, merge, 12, format);
      const program = trace({ x: shape }, ({ x }) => ({ folded: fold(x), back: unfold(fold(x)) }));
      expect(program.outputs.map(({ shape: out }) => out)).toEqual([folded, shape]);
      const { operation } = program.nodes[program.results[1] ?? -1] ?? {};
      expect(operation?.op, `${shape} ${format}`).toBe('input');
    }
  });

  it('merges both layouts of a kernel to [kh·kw·in, out]', () => {
    expect(folding([3, 3, 2, 5], true, 100, 'channels_last').shape).toEqual([90]);
    expect(folding([3, 3, 2, 5], true, 18, 'channels_last').shape).toEqual([18, 5]);
    expect(folding([5, 2, 3, 3], true, 18, 'channels_first').shape).toEqual([18, 5]);
    expect(folding([5, 2, 3], true, 18, 'channels_first').shape).toEqual([10, 3]);
  });

  it('channels_first on a permuted kernel takes the trajectory of channels_last', () => {
    const last = [2, 3, 2, 4];
    const first = [4, 2, 2, 3];
    /** [kh, kw, in, out] as [out, in, kh, kw]. */
    const permute = (x: readonly number[]): number[] => {
      const out: number[] = [];
      for (let o = 0; o < 4; o++)
        for (let i = 0; i < 2; i++)
          for (let h = 0; h < 2; h++) for (let w = 0; w < 3; w++) out.push(x[((h * 3 + w) * 2 + i) * 4 + o] ?? Number.NaN);
      return out;
    };
    const gradient = (t: number): number[] => Array.from({ length: 48 }, (_, i) => Math.sin(1.1 * i + 0.7 * t * (i + 1)));
    const start = gradient(100);
    const make = (shape: readonly number[], dataFormat: 'channels_last' | 'channels_first', data: readonly number[]) =>
      createOptimizer({
        transform: soap({ mergeDims: true, maxPreconditionDim: 12, dataFormat, preconditionFrequency: 3 }),
        parameters: { w: { shape, data } },
        backend: reference(),
      });
    const [one, other] = [make(last, 'channels_last', start), make(first, 'channels_first', permute(start))];
    for (let t = 0; t < 14; t++) {
      one.step({ w: gradient(t) });
      other.step({ w: permute(gradient(t)) });
      const [a, b] = [permute([...one.parameters.w]), [...other.parameters.w]];
      a.forEach((x, i) => {
        expect(b[i], `step ${t + 1}`).toBeCloseTo(x, 12);
      });
    }
  });
});
