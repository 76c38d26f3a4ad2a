import { chain, type Transform } from '@opt/core';
import { adam, ema, lion } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import {
  clipNormByEma,
  cubicAdam,
  fullMatrixAdam,
  fullMatrixBfgsAdam,
  fullMatrixHutchinsonAdam,
  gaussNewtonStep,
  hutchinsonAdam,
  lInv,
  lInvSqrt,
  lTimes,
  naturalGradient,
  projectedGradient,
} from '../index.ts';
import { type Inside, runInside } from '../testing/run-inside.ts';

const d = 4;
const H = [
  [3, 1, 0, 0.5],
  [1, 2, 0.3, 0],
  [0, 0.3, 1, 0.2],
  [0.5, 0, 0.2, -1],
];
const times = (v: readonly number[]): number[] => H.map((row) => row.reduce((sum, h, j) => sum + h * (v[j] ?? 0), 0));
const steps: Inside[] = Array.from({ length: 8 }, (_, t) => {
  const z = Array.from({ length: d }, (__, i) => Math.cos(3 * t + 2 * i + 1));
  return {
    g: Array.from({ length: d }, (__, i) => Math.sin(1.7 * t + 2.3 * i + 0.4)),
    z,
    Hz: times(z),
    J: [z, times(z)],
  };
});
const close = (actual: readonly number[] | undefined, expected: readonly number[], digits = 12): void => {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((x, i) => {
    expect(actual?.[i]).toBeCloseTo(x, digits);
  });
};

describe('turning columns of the basis around changes nothing', () => {
  it.each<[string, Transform]>([
    ['adam', adam({ beta2: 0.99 })],
    ['adam with AMSGrad', adam({ beta2: 0.9, amsgradBeta: 0.9 })],
    ['fullMatrixAdam', fullMatrixAdam({ beta2: 0.9 })],
    ['fullMatrixAdam with AMSGrad', fullMatrixAdam({ beta2: 0.9, amsgradBeta: 0.9 })],
    ['fullMatrixHutchinsonAdam', fullMatrixHutchinsonAdam({ beta2: 0.9 })],
    ['fullMatrixHutchinsonAdam, signed', fullMatrixHutchinsonAdam({ beta2: 0.9, abs: false, amsgradBeta: 1 })],
    ['fullMatrixBfgsAdam', fullMatrixBfgsAdam({ beta2: 0.9 })],
    ['fullMatrixBfgsAdam, summed, by eigh', fullMatrixBfgsAdam({ beta2: null, useEigh: true })],
    ['hutchinsonAdam', hutchinsonAdam({ beta2: 0.9 })],
    ['hutchinsonAdam without squares (D8)', hutchinsonAdam({ beta2: 0.9, square: false })],
    ['hutchinsonAdam of Hz', hutchinsonAdam({ beta2: 0.9, zHz: false })],
    ['hutchinsonAdam of Hz without squares', hutchinsonAdam({ beta2: 0.9, zHz: false, square: false })],
    ['cubicAdam', cubicAdam()],
    ['cubicAdam, halved', cubicAdam({ mode: 'halve' })],
    ['clipNormByEma', clipNormByEma({ normalize: true })],
    ['lion', lion()],
    ['naturalGradient', naturalGradient({ reg: 0.1 })],
  ])('for %s', (_, inner) => {
    const [fixed, flipped] = [runInside(inner, steps), runInside(inner, steps, { flips: true })];
    fixed.forEach((direction, t) => {
      close(flipped[t], direction, 9);
    });
  });
});

describe('by eigenvalues', () => {
  const eigenvalues = [1, 4, 9, 16];
  const one: Inside[] = [{ g: [1, 1, 1, 1] }];
  it('lInv divides, lInvSqrt divides by the root, lTimes multiplies', () => {
    close(runInside(lInv(), one, { eigenvalues })[0], [1, 1 / 4, 1 / 9, 1 / 16]);
    close(runInside(lInvSqrt(), one, { eigenvalues })[0], [1, 1 / 2, 1 / 3, 1 / 4]);
    close(runInside(lTimes(), one, { eigenvalues })[0], eigenvalues);
  });
});

it('projectedGradient starts over from the gradient', () => {
  close(runInside(chain(ema({ beta: 0.9 }), projectedGradient()), steps).at(-1), steps.at(-1)?.g ?? []);
});

describe('cubicAdam', () => {
  it('leaves a coordinate without gradient alone: 0, not NaN (D7)', () => {
    const path = runInside(cubicAdam(), [{ g: [1, 0] }, { g: [2, 0] }, { g: [-1, 0] }]);
    for (const [, second] of path) expect(second).toBeCloseTo(0, 15);
    expect(path.flat().every(Number.isFinite)).toBe(true);
  });

  it('is Adam on its first step', () => {
    close(runInside(cubicAdam(), steps.slice(0, 1))[0], runInside(adam({ beta2: 0.99 }), steps.slice(0, 1))[0] ?? []);
  });

  it('minimises the polynomial of its moments', () => {
    const g = [0.5, -2];
    const u = runInside(cubicAdam({ mode: 'halve' }), [{ g }, { g: [-0.1, 0.3] }])[1] ?? [];
    const average = (beta: number, power: number, i: number): number =>
      (beta * (1 - beta) * (g[i] ?? 0) ** power + (1 - beta) * ([-0.1, 0.3][i] ?? 0) ** power) / (1 - beta ** 2);
    u.forEach((direction, i) => {
      const [c, b, a] = [average(0.9, 1, i), Math.sqrt(average(0.99, 2, i)), average(0.99, 3, i) / 2];
      const f = (q: number): number => (a / 3) * q ** 3 + (b / 2) * q ** 2 + c * q;
      const [q, step] = [-direction, 1e-4];
      const stationary = Math.abs(a * q * q + b * q + c) < 1e-9;
      expect(stationary || b * b - 4 * a * c < 0).toBe(true);
      if (stationary) expect(f(q)).toBeLessThan(Math.max(f(q + step), f(q - step)));
    });
  });
});

describe('hutchinsonAdam', () => {
  it('divides by the average of (z∘Hz)², or of Hz², or by |D|', () => {
    const one = [{ g: [2], z: [3], Hz: [-6] }];
    close(runInside(hutchinsonAdam(), one)[0], [2 / 18], 8);
    close(runInside(hutchinsonAdam({ zHz: false }), one)[0], [2 / 6], 8);
    close(runInside(hutchinsonAdam({ square: false }), one)[0], [2 / 18], 8);
  });

  it('counts products, and gives nothing before the first', () => {
    const [before, first, after] = runInside(hutchinsonAdam({ beta1: 0, beta2: 0.5 }), [
      { g: [1] },
      { g: [1], z: [1], Hz: [4] },
      { g: [1] },
    ]);
    close(before, [0]);
    close(first, [1 / 4], 8);
    close(after, [1 / 4], 8);
  });
});

describe('full matrices', () => {
  it('fullMatrixAdam uses I and uuᵀ, and keeps its root until the basis changes', () => {
    const [first, second] = runInside(fullMatrixAdam({ beta1: 0, beta2: 0.5 }), [{ g: [1, 0] }, { g: [0, 3] }], {
      changed: (t) => t === 0,
    });
    // M = ½I + ½uuᵀ, divided by 1 − β₂ = ½: diag(2, 1).
    close(first, [1 / Math.sqrt(2), 0], 6);
    close(second, [0, 3], 6);
  });

  it('fullMatrixBfgsAdam without averaging inverts the matrix of this step (D11)', () => {
    const [only] = runInside(fullMatrixBfgsAdam({ beta1: 0, beta2: null, epsilon: 1e-9 }), [{ g: [8], z: [1], Hz: [4] }]);
    // M = 1 + 16/4 − 1 = 4.
    close(only, [2], 6);
  });

  it('fullMatrixBfgsAdam skips what has no positive curvature', () => {
    const [only] = runInside(fullMatrixBfgsAdam({ beta1: 0, beta2: null, epsilon: 1e-9 }), [{ g: [8], z: [1], Hz: [-4] }]);
    close(only, [8], 6);
  });

  it('fullMatrixHutchinsonAdam takes magnitudes', () => {
    const one = [{ g: [1], z: [1], Hz: [-4] }];
    // M = ½ − 2, divided by ½: −3.
    close(runInside(fullMatrixHutchinsonAdam({ beta1: 0, beta2: 0.5, epsilon: 1e-9 }), one)[0], [1 / 3], 6);
  });
});

describe('naturalGradient', () => {
  it('solves (JJᵀ + reg·I)·out = u in the basis, and keeps JJᵀ between refreshes (D12)', () => {
    const J = [
      [1, 0],
      [0, 2],
      [1, 0],
    ];
    const [first, second] = runInside(naturalGradient({ reg: 1 }), [{ g: [3, 5], J }, { g: [6, 10] }]);
    close(first, [1, 1]);
    close(second, [2, 2]);
    close(runInside(gaussNewtonStep({ reg: 1 }), [{ g: [3, 5], J }])[0], [1, 1]);
  });
});

describe('clipNormByEma', () => {
  const u = (x: number): Inside => ({ g: [x, 0] });
  it('starts from a fraction of the first update', () => {
    const [first] = runInside(clipNormByEma({ beta: 0.9, init: 0.1, normalize: true }), [u(10)]);
    // m = 1 + 0.1·9.
    close(first, [1.9, 0]);
  });

  it('shortens only, unless told to normalise', () => {
    const shrinking = [u(10), u(0.1)];
    expect(runInside(clipNormByEma(), shrinking)[1]?.[0]).toBeCloseTo(0.1, 12);
    expect(runInside(clipNormByEma({ normalize: true }), shrinking)[1]?.[0]).toBeGreaterThan(0.1);
  });

  it('limits growth against the norm at the change of basis', () => {
    const spike = [u(1), u(1000)];
    const [, limited] = runInside(clipNormByEma({ beta: 0.5, maxGrowth: 1.2, normalize: true }), spike);
    // m = 0.1 + 0.5·0.9 = 0.55, then at most 1.2·0.55.
    expect(limited?.[0]).toBeCloseTo(0.66, 10);
    const [, free] = runInside(clipNormByEma({ beta: 0.5, maxGrowth: null, normalize: true }), spike);
    expect(free?.[0]).toBeGreaterThan(400);
  });

  it('lifts a small average to minNorm in a new basis, and leaves one of 0', () => {
    const [, second] = runInside(clipNormByEma({ beta: 0.99, minNorm: 5, normalize: true, maxGrowth: null }), [u(1), u(1)]);
    expect(second?.[0]).toBeCloseTo(0.99 * 5 + 0.01, 10);
    const [, after] = runInside(clipNormByEma({ normalize: true }), [u(0), u(0)]);
    close(after, [0, 0]);
  });
});
