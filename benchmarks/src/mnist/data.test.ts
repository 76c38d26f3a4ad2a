import { fileURLToPath } from 'node:url';
import { reference } from '@opt/backend-reference';
import { mapValues } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { fill, readMnist, shuffled } from './data.ts';
import { householderQ } from './householder.ts';
import { initialWeights } from './initial-weights.ts';
import { gradientsOf, hitsOf, layers, runner, type Weights } from './network.ts';

const data = readMnist(fileURLToPath(new URL('../../data/mnist', import.meta.url)));

/** The recorded first weights as f64, so that differences are exact. */
const weights = (): Record<keyof Weights, Float64Array> => {
  const initial = initialWeights(layers);
  return mapValues(layers, (_, name) => Float64Array.from(initial[name] ?? []));
};

describe('the recorded setting', () => {
  it('has its images, digits and normalisation', () => {
    expect([data.train.count, data.test.count]).toEqual([8192, 2000]);
    expect(Array.from(data.train.labels.subarray(0, 8))).toEqual([5, 0, 4, 1, 9, 2, 1, 3]);
    expect(Array.from(data.test.labels.subarray(0, 8))).toEqual([7, 2, 1, 0, 4, 1, 4, 9]);
    expect(data.train.pixels[0]).toBeCloseTo(-0.42421296, 7);
    expect(data.train.pixels.reduce((top, x) => Math.max(top, x), 0)).toBeCloseTo((1 - 0.1307) / 0.3081, 6);
  });

  it('has its shuffles', () => {
    expect(Array.from(shuffled(8192, 0).subarray(0, 8))).toEqual([39, 439, 7870, 6964, 983, 6357, 23, 2218]);
    expect(Array.from(shuffled(60000, 0).subarray(0, 8))).toEqual([46535, 16974, 15529, 16878, 17049, 26099, 22207, 55854]);
  });

  it('has its first weights', () => {
    const initial = initialWeights(layers);
    expect(Array.from(initial['fc1.weight']?.subarray(0, 2) ?? [])).toEqual([-0.00026738643646240234, 0.019158700481057167]);
    expect(Array.from(initial['fc3.bias']?.subarray(0, 2) ?? [])).toEqual([0.03846484422683716, -0.06208070367574692]);
  });
});

describe('the network', () => {
  it('has the recorded first loss, and gradients that are those of differences', () => {
    const batch = runner(reference(), 16, gradientsOf);
    fill(data.train, shuffled(8192, 0).subarray(0, 16), batch);
    const start = weights();
    const { loss: _, ...gradients } = mapValues(batch.run(start), (x) => Float64Array.from(x));
    for (const [name, at] of [
      ['fc1.weight', 784 * 3 + 400],
      ['fc2.weight', 256 * 7 + 20],
      ['fc3.weight', 256 * 2 + 11],
      ['fc3.bias', 4],
    ] as const) {
      const lossAt = (change: number): number => {
        const moved = weights();
        moved[name][at] = (moved[name][at] ?? 0) + change;
        return batch.run(moved)['loss']?.[0] ?? Number.NaN;
      };
      const slope = (lossAt(1e-5) - lossAt(-1e-5)) / 2e-5;
      expect(gradients[name]?.[at]).toBeCloseTo(slope, 7);
    }
  });

  it('counts an image where the first largest logit is its digit', () => {
    const evaluation = runner(reference({ precision: 'f32' }), 4, hitsOf);
    fill(data.test, [0, 1, 2, 3], evaluation);
    const zero = mapValues(weights(), (x) => x.fill(0));
    // All logits equal: the first of them, digit 0, is what is answered.
    expect(evaluation.run(zero)['hits']?.[0]).toBe(1);
    zero['fc3.bias'][2] = 1;
    expect(evaluation.run(zero)['hits']?.[0]).toBe(1);
  });

  it('Householder gives the Q whose R has a positive diagonal', () => {
    const q = Float64Array.from([3, 1, 4, 2]);
    householderQ(q, 2);
    expect(Array.from(q)).toEqual([0.6, -0.8, 0.8, 0.6].map((x) => expect.closeTo(x, 12)));
  });
});
