import { reference } from '@opt/backend-reference';
import { createOptimizer } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { adopt } from './index.ts';
import { byHand, expectClose, path, start } from './testing/runs.ts';

const [rate, beta1, beta2, epsilon, lambda] = [0.05, 0.8, 0.9, 1e-3, 0.2];

const formula = (power: number | null, decoupled: boolean): number[][] =>
  byHand({ m: 0, v: 0 }, (p, gradient, s, t) => {
    const g = decoupled ? gradient : gradient + lambda * p;
    if (t === 1) {
      s.v = g * g;
      return p;
    }
    const ratio = g / Math.max(Math.sqrt(s.v), epsilon);
    const bound = power === null ? Infinity : (t - 1) ** power;
    s.m = beta1 * s.m + (1 - beta1) * Math.max(-bound, Math.min(bound, ratio));
    s.v = beta2 * s.v + (1 - beta2) * g * g;
    return p * (decoupled ? 1 - rate * lambda : 1) - rate * s.m;
  });

describe('adopt', () => {
  it.each([
    [0.25, false],
    [0.5, true],
    [0, true],
    [null, true],
    [null, false],
  ])('is the formula: clip power %s, decoupled %s', (clipPower, decoupled) => {
    const options = { learningRate: rate, beta1, beta2, epsilon, weightDecay: lambda, clipPower, decoupled };
    expectClose(path(adopt(options)), formula(clipPower, decoupled));
  });

  it('the first call of a parameter that comes late is its own first', () => {
    const optimizer = createOptimizer({
      transform: adopt({ learningRate: rate, weightDecay: lambda, decoupled: true }),
      parameters: { a: { shape: [2], data: [1, 2] }, b: { shape: [2], data: [3, 4] } },
      backend: reference(),
    });
    optimizer.step({ a: [1, 1] });
    optimizer.step({ a: [1, 1], b: [2, 2] });
    expect([...optimizer.parameters.b]).toEqual([3, 4]);
    // r = 1 after the first call: m = 1 − β₁.
    expect(optimizer.parameters.a[0]).toBeCloseTo(1 * (1 - rate * lambda) - rate * 0.1, 12);
    optimizer.step({ b: [2, 2] });
    expect(optimizer.parameters.b[1]).toBeCloseTo(4 * (1 - rate * lambda) - rate * 0.1, 12);
  });

  it('an entry that was 0 in the first call is saved by the clip', () => {
    const [, second = []] = path(adopt({ learningRate: 1, beta1: 0 }));
    expect(second[3]).toBe(start[3]);
    const [, , third = []] = path(adopt({ learningRate: 1, beta1: 0 }));
    expect(Math.abs((third[3] ?? 0) - (second[3] ?? 0))).toBeCloseTo(2 ** 0.25, 12);
  });
});
