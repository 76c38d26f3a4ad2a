import { reference } from '@opt/backend-reference';
import { createOptimizer } from '@opt/core';
import { direct } from '@opt/lre-basis';
import { bfgs, type Curvature, sr1 } from '@opt/lre-curvature';
import { describe, expect, it } from 'vitest';
import { lInv, lre } from './index.ts';

/** ½(x − x*)ᵀH(x − x*) in 50 variables, eigenvalues from 1 to 10⁶ in a random basis. */
const d = 50;
const random = (() => {
  let state = 1;
  return (): number => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return (state / 2 ** 32) * 2 - 1;
  };
})();
const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => Array.from(a).reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);
const plus = (a: ArrayLike<number>, b: ArrayLike<number>, factor: number): number[] => Array.from(a, (x, i) => x + factor * (b[i] ?? 0));
const basis: number[][] = [];
for (let i = 0; i < d; i++) {
  let v = Array.from({ length: d }, random);
  for (const q of [...basis, ...basis]) v = plus(v, q, -dot(v, q));
  basis.push(v.map((x) => x / Math.sqrt(dot(v, v))));
}
const H = Array.from({ length: d }, (_, i) =>
  Array.from({ length: d }, (_, j) => basis.reduce((sum, q, k) => sum + 10 ** ((6 * k) / (d - 1)) * (q[i] ?? 0) * (q[j] ?? 0), 0)),
);
const multiply = (v: ArrayLike<number>): number[] => H.map((row) => dot(row, v));
const optimum = Array.from({ length: d }, random);
const error = (x: ArrayLike<number>): number => {
  const off = plus(x, optimum, -1);
  return Math.sqrt(dot(off, off) / dot(optimum, optimum));
};

function stepsOf(curvature: Curvature): number {
  const optimizer = createOptimizer({
    transform: lre({
      learningRate: 1,
      curvature,
      basis: direct({ rank: d, beta: null, eigTol: 1e-9, updateDamping: 0 }),
      inner: lInv(),
    }),
    parameters: { x: { shape: [d], data: new Float64Array(d) } },
    backend: reference(),
  });
  for (let step = 1; step <= 300; step++) {
    optimizer.step({
      gradients: () => ({ x: multiply(plus(optimizer.parameters.x, optimum, -1)) }),
      hvp: (v) => ({ x: multiply(v.x) }),
    });
    if (error(optimizer.parameters.x) < 1e-8) return step;
  }
  return Number.POSITIVE_INFINITY;
}

/** L-BFGS (Nocedal & Wright, algorithm 7.5) with ten pairs and exact line searches. */
function stepsOfLbfgs(): number {
  let x: number[] = new Array(d).fill(0);
  let g = multiply(plus(x, optimum, -1));
  const pairs: { s: number[]; y: number[] }[] = [];
  for (let step = 1; step <= 5000; step++) {
    let q = g;
    const alphas = [...pairs].reverse().map(({ s, y }) => {
      const alpha = dot(s, q) / dot(y, s);
      q = plus(q, y, -alpha);
      return alpha;
    });
    const newest = pairs.at(-1);
    const scale = newest === undefined ? 1 : dot(newest.s, newest.y) / dot(newest.y, newest.y);
    let r = q.map((value) => value * scale);
    pairs.forEach(({ s, y }, i) => {
      r = plus(r, s, (alphas[pairs.length - 1 - i] ?? 0) - dot(y, r) / dot(y, s));
    });
    const rate = dot(g, r) / dot(r, multiply(r));
    const next = plus(x, r, -rate);
    const gradient = multiply(plus(next, optimum, -1));
    pairs.push({ s: plus(next, x, -1), y: plus(gradient, g, -1) });
    if (pairs.length > 10) pairs.shift();
    [x, g] = [next, gradient];
    if (error(x) < 1e-8) return step;
  }
  return Number.POSITIVE_INFINITY;
}

// Measured: SR1 50 steps, BFGS 50, L-BFGS 1584.
describe('an ill-conditioned quadratic of 50 variables, condition 10⁶, to 1e-8 of the optimum', () => {
  it('SR1 and BFGS with the Newton step arrive about when the basis is whole, long before L-BFGS', () => {
    const steps = { sr1: stepsOf(sr1()), bfgs: stepsOf(bfgs()), lbfgs: stepsOfLbfgs() };
    expect(steps.sr1).toBeLessThanOrEqual(52);
    expect(steps.bfgs).toBeLessThanOrEqual(52);
    expect(steps.lbfgs).toBeGreaterThan(200);
  });
});
