import { reference } from '@opt/backend-reference';
import { createOptimizer } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { type ProdigyOptions, prodigy } from './index.ts';
import { expectClose } from './testing/runs.ts';

type Vectors = Readonly<Record<'a' | 'b', readonly number[]>>;
const begin: Vectors = { a: [1, -2, 0.5, 3, -1], b: [0.25, -0.75] };
const optimum: Vectors = { a: [-1, 1, 2, 0, 4], b: [2, 2] };
/** Of a quadratic around the optimum, with noise. */
const gradientAt = (p: Vectors, t: number): Vectors => ({
  a: p.a.map((x, i) => x - (optimum.a[i] ?? 0) + 0.1 * Math.sin(t + i)),
  b: p.b.map((x, i) => 2 * (x - (optimum.b[i] ?? 0))),
});

/** The equations, on two parameters. */
function byHand(steps: number, o: Readonly<Record<string, unknown>>, gradients = gradientAt): { path: Vectors[]; d: number[] } {
  const number = (name: string, fallback: number): number => (typeof o[name] === 'number' ? o[name] : fallback);
  const [eta, b1, b2, d0, c, q] = [
    number('learningRate', 1),
    number('beta1', 0.9),
    number('beta2', 0.999),
    number('initialDistance', 1e-6),
    number('distanceCoefficient', 1),
    number('sliceEvery', 1),
  ];
  const [b3, growth, lambda, epsilon] = [
    number('beta3', Math.sqrt(b2)),
    number('growthRate', Infinity),
    number('weightDecay', 0),
    number('epsilon', 1e-8),
  ];
  const decoupled = o['decoupled'] !== false;
  const names = ['a', 'b'] as const;
  const zeros = (): Record<'a' | 'b', number[]> => ({ a: begin.a.map(() => 0), b: begin.b.map(() => 0) });
  const [m, v, s] = [zeros(), zeros(), zeros()];
  let p: Record<'a' | 'b', number[]> = { a: [...begin.a], b: [...begin.b] };
  let [d, dMax, N, k] = [d0, d0, 0, 0];
  const result: { path: Vectors[]; d: number[] } = { path: [], d: [] };
  for (let t = 0; t < steps; t++) {
    const given = gradients(p, t);
    const kappa = o['correctBias'] === true ? Math.sqrt(1 - b2 ** (k + 1)) / (1 - b1 ** (k + 1)) : 1;
    const l = d * eta * kappa;
    let [along, S] = [0, 0];
    const g = zeros();
    for (const name of names) {
      g[name] = p[name].map((x, i) => (given[name][i] ?? 0) + (decoupled ? 0 : lambda * x));
      g[name].forEach((x, i) => {
        m[name][i] = b1 * (m[name][i] ?? 0) + (1 - b1) * d * x;
        v[name][i] = b2 * (v[name][i] ?? 0) + (1 - b2) * d * d * x * x;
        if (i % q !== 0) return;
        along += x * ((begin[name][i] ?? 0) - (p[name][i] ?? 0));
        s[name][i] = b3 * (s[name][i] ?? 0) + (d / d0) * (o['safeguardWarmup'] === true ? d : l) * x;
        S += Math.abs(s[name][i] ?? 0);
      });
    }
    if (S > 0) {
      N = b3 * N + (d / d0) * l * along;
      const seen = (c * N) / S;
      if (d === d0) d = Math.max(d, seen);
      dMax = Math.max(dMax, seen);
      d = Math.min(dMax, d * growth);
      const moved = zeros();
      for (const name of names) {
        moved[name] = p[name].map((x, i) => {
          const numerator = b1 === 0 ? d * (g[name][i] ?? 0) : (m[name][i] ?? 0);
          return x * (decoupled ? 1 - lambda * l : 1) - (l * numerator) / (Math.sqrt(v[name][i] ?? 0) + d * epsilon);
        });
      }
      p = moved;
      k++;
    }
    result.path.push({ a: [...p.a], b: [...p.b] });
    result.d.push(d);
  }
  return result;
}

const make = (options: ProdigyOptions) =>
  createOptimizer({
    transform: prodigy(options),
    parameters: { a: { shape: [5], data: begin.a }, b: { shape: [2, 1], data: begin.b } },
    backend: reference(),
  });

describe('prodigy', () => {
  it.each<ProdigyOptions>([
    {},
    { correctBias: true, weightDecay: 0.02, initialDistance: 1e-3 },
    { safeguardWarmup: true, beta3: 0.9, initialDistance: 0.01 },
    { decoupled: false, weightDecay: 0.05, growthRate: 1.3, distanceCoefficient: 0.5, initialDistance: 0.01 },
    { sliceEvery: 3, initialDistance: 0.01, beta1: 0 },
    { learningRate: 0.5, initialDistance: 0.1, beta1: 0.8, beta2: 0.9, epsilon: 1e-4 },
  ])('is the formula: %j', (options) => {
    const optimizer = make(options);
    const expected = byHand(25, { ...options });
    expected.path.forEach((after, t) => {
      optimizer.step(gradientAt({ a: [...optimizer.parameters.a], b: [...optimizer.parameters.b] }, t));
      expectClose([[...optimizer.parameters.a], [...optimizer.parameters.b]], [after.a, after.b], 1e-9);
      expect((optimizer.state['prodigy.d:']?.[0] ?? 0) / (expected.d[t] ?? 1)).toBeCloseTo(1, 9);
    });
    // The estimate has come somewhere.
    expect((expected.d.at(-1) ?? 0) / (expected.d[0] ?? 1)).toBeGreaterThan(1.5);
  });

  it('sleeps until there is a gradient, and where its rate is 0', () => {
    const optimizer = make({ initialDistance: 0.1, weightDecay: 0.5, learningRate: (step) => (step < 2 ? 1 : 0) });
    optimizer.step({ a: [0, 0, 0, 0, 0], b: [0, 0] });
    expect([...optimizer.parameters.a]).toEqual(begin.a);
    expect(optimizer.state['prodigy.k:']?.[0]).toBe(0);
    optimizer.step({ a: [1, 1, 1, 1, 1], b: [1, 1] });
    expect(optimizer.state['prodigy.k:']?.[0]).toBe(1);
    const [held, d] = [[...optimizer.parameters.a], optimizer.state['prodigy.d:']?.[0]];
    optimizer.step({ a: [5, 1, 1, 1, 1], b: [1, 1] });
    expect([...optimizer.parameters.a]).toEqual(held);
    expect(optimizer.state['prodigy.d:']?.[0]).toBe(d);
  });

  it('a slice of every third entry holds a third of the state', () => {
    const optimizer = make({ sliceEvery: 3 });
    expect(optimizer.state['prodigy.s:a']?.length).toBe(2);
    expect(optimizer.state['prodigy.start:b']?.length).toBe(1);
  });

  it('averages with 1−β, not with the complement of a β that f32 has rounded', () => {
    const optimizer = createOptimizer({
      transform: prodigy({ initialDistance: 1 }),
      parameters: { a: { shape: [1], data: [1] } },
      backend: reference({ precision: 'f32' }),
    });
    optimizer.step({ a: [1] });
    // 1 − fround(0.999) is off by 1.3e-5.
    expect(Math.abs((optimizer.state['prodigy.v:a']?.[0] ?? 0) / 0.001 - 1)).toBeLessThan(2e-7);
  });
});
