import { type Distribution, perTensor } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { expectSame, type Harness } from './harness.ts';
import { gradientsAt, type Model, optimizerOn, snapshot, withOptimizer } from './models.ts';

const count = 4097;
const model: Model = { p: { shape: [count], data: Array(count).fill(0) }, q: { shape: [5], data: Array(5).fill(0) } };

/** Parameters become what was drawn. */
const drawing = (distribution: Distribution) =>
  perTensor({
    name: 'drawing',
    state: ({ shape }) => ({ other: { shape, kind: 'invariant' } }),
    apply: ({ parameter: p, owner, site }) => ({
      parameter: site.draw('first', owner, distribution, p.shape),
      state: { other: site.draw('second', owner, distribution, p.shape) },
    }),
  });

/** What is to be expected of mean and mean square, in units of which 5 standard errors are allowed. */
const moments = {
  normal: { mean: 0, square: 1, meanError: 1, squareError: Math.sqrt(2) },
  uniform: { mean: 0.5, square: 1 / 3, meanError: Math.sqrt(1 / 12), squareError: Math.sqrt(4 / 45) },
  rademacher: { mean: 0, square: 1, meanError: 1, squareError: 0 },
} as const;

export function testRandom(harness: Harness): void {
  const draws = (distribution: Distribution, seed: number, steps: number) =>
    withOptimizer(optimizerOn(harness.backend, drawing(distribution), model, seed), async (optimizer) => {
      const all: Record<string, Float64Array>[] = [];
      for (let step = 0; step < steps; step++) {
        await optimizer.step(gradientsAt(model, step));
        all.push(await snapshot(optimizer));
      }
      return all;
    });

  describe.each(['normal', 'uniform', 'rademacher'] as const)('random: %s', (distribution) => {
    it('the same seed gives the same bits', async () => {
      const [first, second] = [await draws(distribution, 7, 3), await draws(distribution, 7, 3)];
      first.forEach((values, step) => {
        for (const [key, value] of Object.entries(values)) expectSame(`step ${step}: ${key}`, second[step]?.[key] ?? [], value);
      });
    });

    it('another call, seed, name or parameter gives other bits', async () => {
      const [first, second] = await draws(distribution, 7, 2);
      const [otherSeed] = await draws(distribution, 8, 1);
      const drawn = [first?.['p'], second?.['p'], otherSeed?.['p'], first?.['drawing.other:p'], second?.['drawing.other:p']];
      for (const [i, a] of drawn.entries()) {
        expect(a?.length).toBe(count);
        for (const b of drawn.slice(i + 1)) {
          const agreeing = a?.filter((x, k) => x === b?.[k]).length ?? count;
          expect(agreeing / count, 'share of equal entries').toBeLessThan(distribution === 'rademacher' ? 0.6 : 0.01);
        }
      }
      expect(first?.['q']).not.toEqual(first?.['p']?.slice(0, 5));
    });

    it('moments are plausible, neighbours uncorrelated', async () => {
      const [drawn] = await draws(distribution, 3, 1);
      const x = Array.from(drawn?.['p'] ?? []);
      const { mean, square, meanError, squareError } = moments[distribution];
      const average = (f: (value: number, i: number) => number): number => x.reduce((sum, value, i) => sum + f(value, i), 0) / x.length;
      const allowed = 5 / Math.sqrt(count);
      expect(Math.abs(average((v) => v) - mean)).toBeLessThanOrEqual(allowed * meanError);
      expect(Math.abs(average((v) => v * v) - square)).toBeLessThanOrEqual(allowed * squareError + 1e-12);
      const neighbours = average((v, i) => (v - mean) * ((x[(i + 1) % x.length] ?? 0) - mean));
      expect(Math.abs(neighbours)).toBeLessThanOrEqual(allowed * meanError ** 2);
      if (distribution === 'uniform') expect(x.every((v) => v >= 0 && v <= 1)).toBe(true);
      if (distribution === 'rademacher') expect(x.every((v) => v === 1 || v === -1)).toBe(true);
    });
  });
}
