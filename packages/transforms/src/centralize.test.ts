import { reference } from '@opt/backend-reference';
import { chain, createOptimizer, linear, perTensor, rule, type Shape } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { centralize, decay, sgd } from './index.ts';

const assign = perTensor({ name: 'assign', apply: ({ update }) => ({ parameter: update }) });
const centralized = (shape: Shape, g: readonly number[], layout?: 'out-in' | 'in-out'): number[] => {
  const optimizer = createOptimizer({
    transform: rule(centralize(layout === undefined ? {} : { layout }), assign),
    parameters: { w: { shape, data: g.map(() => 0) } },
    backend: reference(),
  });
  optimizer.step({ w: g });
  return [...optimizer.parameters.w];
};

describe('centralize', () => {
  const g = [1, 2, 6, -1, 5, 8, 0, 0, 3, 3, 3, 7];

  it('takes the mean from each row, or from each column', () => {
    expect(centralized([2, 3], [1, 2, 6, -3, 0, 3])).toEqual([-2, -1, 3, -3, 0, 3]);
    expect(centralized([2, 3], [1, 2, 6, -3, 0, 4], 'in-out')).toEqual([2, 1, 1, -2, -1, -1]);
  });

  it('of kernels: over all but the outputs', () => {
    // [out, in, k] = [2, 3, 2] and [k, in, out] = [3, 2, 2].
    expect(centralized([2, 3, 2], g)).toEqual(
      [-2.5, -1.5, 2.5, -4.5, 1.5, 4.5, -16 / 6, -16 / 6, 2 / 6, 2 / 6, 2 / 6, 26 / 6].map((x) => expect.closeTo(x, 12)),
    );
    const columns = [0, 1].map((o) => g.filter((_, i) => i % 2 === o).reduce((a, b) => a + b, 0) / 6);
    expect(centralized([3, 2, 2], g, 'in-out')).toEqual(g.map((x, i) => expect.closeTo(x - (columns[i % 2] ?? 0), 12)));
  });

  it('leaves vectors and scalars', () => {
    expect(centralized([3], [1, 2, 6])).toEqual([1, 2, 6]);
    expect(centralized([], [4])).toEqual([4]);
    // Nothing would be left of one input.
    expect(centralized([3, 1], [1, 2, 6])).toEqual([1, 2, 6]);
    expect(centralized([1, 3], [1, 2, 6], 'in-out')).toEqual([1, 2, 6]);
  });
});

describe('decay', () => {
  it('may follow a schedule of its own', () => {
    const optimizer = createOptimizer({
      transform: rule(
        chain(perTensor({ name: 'still', apply: ({ update }) => ({ update: update.mul(0) }) })),
        decay({ learningRate: 0.5, weightDecay: linear({ from: 1, to: 0, steps: 2 }) }),
      ),
      parameters: { w: { shape: [1], data: [16] } },
      backend: reference(),
    });
    const seen = [0, 1, 2].map(() => {
      optimizer.step({ w: [1] });
      return optimizer.parameters.w[0];
    });
    // 1 − ½·1, 1 − ½·½, 1 − ½·0.
    expect(seen).toEqual([8, 6, 6]);
  });

  it('as part of the gradient too', () => {
    const optimizer = createOptimizer({
      transform: sgd({ learningRate: 0.5, weightDecay: linear({ from: 1, to: 0, steps: 2 }) }),
      parameters: { w: { shape: [1], data: [16] } },
      backend: reference(),
    });
    const seen = [0, 1, 2].map(() => {
      optimizer.step({ w: [0] });
      return optimizer.parameters.w[0];
    });
    expect(seen).toEqual([8, 6, 6]);
  });
});
