import { reference } from '@opt/backend-reference';
import { createOptimizer, type Shape } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { type NgdOptions, ngd } from './index.ts';
import { expectClose, length } from './testing/runs.ts';

/** Numbers of full rank, however they are folded. */
const noise = (n: number, seed: number): number[] =>
  Array.from({ length: n }, (_, i) => {
    const x = Math.sin(12.9898 * (i + 1) + 78.233 * seed) * 43758.5453;
    return (x - Math.floor(x)) * 2 - 1;
  });
const make = (shape: Shape, options: NgdOptions = {}, precision: 'f64' | 'f32' = 'f64') => {
  const n = shape.reduce((a, b) => a * b, 1);
  return createOptimizer({
    transform: ngd({ learningRate: 1, ...options }),
    parameters: { w: { shape, data: new Array<number>(n).fill(0) } },
    backend: reference({ precision }),
  });
};

describe('ngd', () => {
  it.each<Shape>([[6, 4], [5], [3, 4, 3], [7, 1]])('keeps the norm of the gradient, shape %j', (...shape) => {
    const n = shape.reduce((a, b) => a * b, 1);
    const optimizer = make(shape);
    let before = new Array<number>(n).fill(0);
    for (let t = 0; t < 14; t++) {
      const g = noise(n, t);
      optimizer.step({ w: g });
      const now = [...optimizer.parameters.w];
      expect(length(now.map((x, i) => x - (before[i] ?? 0))) / length(g)).toBeCloseTo(1, 10);
      before = now;
    }
  });

  it('scalars and axes of length 1 take plain steps', () => {
    for (const shape of [[], [1], [1, 1]]) {
      const optimizer = make(shape);
      optimizer.step({ w: [2] });
      expect([...optimizer.parameters.w]).toEqual([-2]);
      expect(Object.keys(optimizer.state)).toEqual([]);
    }
  });

  it('rows of W stay orthogonal, of the lengths that the eigenvalues give', () => {
    const alpha = 4;
    const optimizer = make([8, 6], { alpha });
    for (let t = 0; t < 13; t++) optimizer.step({ w: noise(48, t) });
    for (const [k, D, R] of [
      [0, 8, 4],
      [1, 6, 3],
    ] as const) {
      const [W, d, rho] = [`W${k}`, `d${k}`, `rho${k}`].map((slot) => [...(optimizer.state[`ngd.${slot}:w`] ?? [])]);
      const beta = (rho?.[0] ?? 0) * (1 + alpha) + (alpha * (d ?? []).reduce((a, b) => a + b, 0)) / D;
      for (let i = 0; i < R; i++)
        for (let j = 0; j < R; j++) {
          const product = Array.from({ length: D }, (_, c) => (W?.[i * D + c] ?? 0) * (W?.[j * D + c] ?? 0)).reduce((a, b) => a + b, 0);
          expect(product).toBeCloseTo(i === j ? 1 / (1 + beta / (d?.[i] ?? 0)) : 0, 9);
        }
    }
  });

  it('shrinks the direction in which gradients are large, against SGD', () => {
    // Rows of the gradient are 10 times as large along the first axis entry.
    const g = (t: number): number[] => noise(16, t).map((x, i) => x * (i % 4 === 0 ? 10 : 1));
    const optimizer = make([4, 4], { learningRate: 1, rank: 1, alpha: 0.05 });
    for (let t = 0; t < 30; t++) optimizer.step({ w: g(t) });
    const before = [...optimizer.parameters.w];
    const last = g(30);
    optimizer.step({ w: last });
    const u = [...optimizer.parameters.w].map((x, i) => (before[i] ?? 0) - x);
    const share = (x: readonly number[]): number => length(x.filter((_, i) => i % 4 === 0)) / length(x);
    expect(share(u)).toBeLessThan(0.7 * share(last));
  });

  it('a rank is at most one less than the axis, and what the other axes hold', () => {
    expect([...(make([3, 9], { rank: 80 }).state['ngd.d1:w'] ?? [])].length).toBe(3);
    expect([...(make([3, 9], { rank: 80 }).state['ngd.d0:w'] ?? [])].length).toBe(2);
    expect([...(make([9]).state['ngd.d0:w'] ?? [])].length).toBe(1);
  });

  it('no gradient, no move; the estimates survive it', () => {
    const optimizer = make([4, 3]);
    const zeros = new Array<number>(12).fill(0);
    optimizer.step({ w: zeros });
    expectClose([[...optimizer.parameters.w]], [zeros]);
    optimizer.step({ w: noise(12, 1) });
    expect([...optimizer.parameters.w].every(Number.isFinite)).toBe(true);
    expect(length([...optimizer.parameters.w])).toBeCloseTo(length(noise(12, 1)), 10);
  });

  it.each([1e-15, 1e15])('does not see the scale of gradients in f32: %d', (scale) => {
    const run = (factor: number): number[] => {
      const optimizer = make([6, 5], {}, 'f32');
      for (let t = 0; t < 12; t++) optimizer.step({ w: noise(30, t).map((x) => x * factor) });
      return [...optimizer.parameters.w].map((x) => x / factor);
    };
    const moved = run(scale);
    expect(moved.every(Number.isFinite)).toBe(true);
    if (scale > 1) expectClose([moved], [run(1)], 1e-4);
  });

  it('wants momentum for Nesterov, undamped', () => {
    expect(() => ngd({ nesterov: true })).toThrow('ngd: momentum must be above 0 with nesterov, received 0');
    expect(() => ngd({ nesterov: true, momentum: 0.9, dampening: 0.1 })).toThrow('ngd: dampening must be 0 with nesterov, received 0.1');
  });
});
