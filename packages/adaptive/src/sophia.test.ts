import { reference } from '@opt/backend-reference';
import { createOptimizer, ObjectiveError } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { sophiaG, sophiaH } from './index.ts';
import { byHand, expectClose, gradients, start } from './testing/runs.ts';

const [rate, beta1, beta2, lambda] = [0.05, 0.8, 0.9, 0.2];
const options = { learningRate: rate, beta1, beta2, weightDecay: lambda, curvatureEvery: 2 };
/** The Hessian is diagonal, so every probe of signs finds it: negative in one place. */
const diagonal = [1, 2, -1, 0.5, 3, 0.1];

describe('sophiaH', () => {
  it('is the formula: an estimate is used from the step after it on', () => {
    const optimizer = createOptimizer({
      transform: sophiaH({ ...options, gamma: 2 }),
      parameters: { w: { shape: [2, 3], data: start } },
      backend: reference(),
    });
    let asked = 0;
    const actual = gradients.map((w) => {
      optimizer.step({
        gradients: () => ({ w }),
        hvp: (v) => {
          asked++;
          expect([...v.w].every((x) => Math.abs(x) === 1)).toBe(true);
          return { w: v.w.map((x, i) => x * (diagonal[i] ?? 0)) };
        },
      });
      return [...optimizer.parameters.w];
    });
    expect(asked).toBe(3);
    let entry = 0;
    const expected = byHand({ m: 0, h: 0 }, (p, g, s, t) => {
      const d = diagonal[entry++ % 6] ?? 0;
      s.m = beta1 * s.m + (1 - beta1) * g;
      const r = Math.min(1, Math.abs(s.m) / (2 * Math.max(s.h, 0) + 1e-12));
      const moved = p * (1 - rate * lambda) - (rate / (1 - beta1 ** t)) * Math.sign(s.m) * r;
      if (t % 2 === 1) s.h = beta2 * s.h + (1 - beta2) * d;
      return moved;
    });
    expectClose(actual, expected);
  });

  it('takes differences of gradients where it is told to', () => {
    const make = (hvpMethod: 'autograd' | 'central') => {
      const optimizer = createOptimizer({
        transform: sophiaH({ ...options, hvpMethod }),
        parameters: { w: { shape: [6], data: start } },
        backend: reference(),
        seed: 3,
      });
      const at = (x: ArrayLike<number>): number[] => Array.from(x, (value, i) => value * (diagonal[i] ?? 0));
      for (let step = 0; step < 5; step++) {
        const now = [...optimizer.parameters.w];
        optimizer.step({ gradients: (there) => ({ w: at(there?.w ?? now) }), hvp: (v) => ({ w: at(v.w) }) });
      }
      return [...optimizer.parameters.w];
    };
    expectClose([make('central')], [make('autograd')], 1e-8);
  });

  it('says what a step with a product needs', () => {
    const optimizer = createOptimizer({ transform: sophiaH(), parameters: { w: { shape: [1], data: [1] } }, backend: reference() });
    expect(() => optimizer.step({ w: [1] })).toThrow(ObjectiveError);
    expect(() => optimizer.step({ w: [1] })).toThrow('sophia-h needs hvp in this step');
  });
});

describe('sophiaG', () => {
  it('is the formula, with the mean of the sampled rows', () => {
    const [rho, batchSize] = [0.1, 4];
    const rows = (t: number): number[][] => [gradients[(t + 2) % 6] ?? [], gradients[(t + 3) % 6] ?? []].map((row) => [...row]);
    const optimizer = createOptimizer({
      transform: sophiaG({ ...options, rho, batchSize }),
      parameters: { w: { shape: [2, 3], data: start } },
      backend: reference(),
    });
    const actual = gradients.map((w, t) => {
      optimizer.step({
        gradients: () => ({ w }),
        samples: 2,
        perSampleGradients: () => ({ gradients: { w: rows(t).flat() }, losses: [0, 0] }),
      });
      return [...optimizer.parameters.w];
    });
    let entry = 0;
    const expected = byHand({ m: 0, h: 0 }, (p, g, s, t) => {
      const i = entry++ % 6;
      s.m = beta1 * s.m + (1 - beta1) * g;
      const r = Math.min(1, Math.abs(s.m) / (rho * batchSize * s.h + 1e-15));
      const sampled = rows(t - 1).reduce((sum, row) => sum + (row[i] ?? 0) / 2, 0);
      if (t % 2 === 1) s.h = beta2 * s.h + (1 - beta2) * sampled * sampled;
      return p * (1 - rate * lambda) - rate * Math.sign(s.m) * r;
    });
    expectClose(actual, expected);
  });

  it.each([
    [{ rho: 0 }, 'sophia-g: rho must be a finite number > 0, received 0'],
    [{ batchSize: -1 }, 'sophia-g: batchSize must be a finite number > 0, received -1'],
    [{ curvatureEvery: 0 }, 'sophia-g: curvatureEvery must be an integer >= 1, received 0'],
  ])('refuses %j', (bad, why) => {
    expect(() => sophiaG(bad)).toThrow(why);
  });
});
