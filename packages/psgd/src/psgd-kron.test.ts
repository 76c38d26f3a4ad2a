import { reference } from '@opt/backend-reference';
import { createOptimizer, KindError, type Shape, size, type Transform } from '@opt/core';
import { soap } from '@opt/soap';
import { describe, expect, it } from 'vitest';
import { kron, type PsgdKronOptions, psgdKron } from './index.ts';

const numbers = (seed: number, count: number): number[] => Array.from({ length: count }, (_, i) => Math.sin(seed + 1.7 * i + 0.3 * i * i));
const make = (transform: Transform, parameters: Readonly<Record<string, Shape>>, precision: 'f64' | 'f32' = 'f64') =>
  createOptimizer({
    transform,
    parameters: Object.fromEntries(Object.entries(parameters).map(([name, shape], i) => [name, { shape, data: numbers(i, size(shape)) }])),
    backend: reference({ precision }),
  });
/** Nothing is fitted: P stays what it was at first. */
const never: PsgdKronOptions = { preconditionerUpdateProbability: 1e-9, learningRate: 0.1 };
const values = (data: ArrayLike<number> | undefined): number[] => Array.from(data ?? []);

describe('without a fit', () => {
  it('is the momentum without its bias times the square of the initial scale, and decays what has two axes or more', () => {
    const shapes = { scalar: [], vector: [3], matrix: [2, 3], kernel: [2, 1, 2, 2] };
    const optimizer = make(psgdKron({ ...never, beta: 0.5, weightDecay: 0.2, preconditionerInitialScale: 1.3 }), shapes);
    const p = Object.fromEntries(Object.entries(shapes).map(([name, shape], i) => [name, numbers(i, size(shape))]));
    const m = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, numbers(0, size(shape)).fill(0)]));
    for (let t = 1; t <= 4; t++) {
      const gradients = Object.fromEntries(
        Object.entries(shapes).map(([name, shape], i) => [name, numbers(7 * t + i, size(shape)).map((x) => 0.2 * x)]),
      );
      optimizer.step(gradients);
      for (const [name, shape] of Object.entries(shapes)) {
        m[name] = (m[name] ?? []).map((x, i) => 0.5 * x + 0.5 * (gradients[name]?.[i] ?? 0));
        const decay = shape.length < 2 ? 0 : 0.02;
        p[name] = (p[name] ?? []).map((x, i) => x - decay * x - (0.1 * 1.3 ** 2 * (m[name]?.[i] ?? 0)) / (1 - 0.5 ** t));
        for (const [i, x] of values(optimizer.parameters[name]).entries()) expect(x).toBeCloseTo(p[name]?.[i] ?? Number.NaN, 13);
      }
    }
  });

  it('no direction is longer than 1.1 as root mean square', () => {
    const optimizer = make(psgdKron(never), { w: [2, 3] });
    const before = values(optimizer.parameters['w']);
    optimizer.step({ w: numbers(3, 6).map((x) => 1e30 * x) });
    const moved = values(optimizer.parameters['w']).map((x, i) => (x - (before[i] ?? 0)) / 0.1);
    expect(Math.hypot(...moved) / Math.sqrt(6)).toBeCloseTo(1.1, 12);
  });
});

describe('the factors', () => {
  it('are as the options say, upper triangular with a diagonal that is not 0', () => {
    const optimizer = make(psgdKron({ maxSizeTriangular: 5, preconditionerInitialScale: 4 }), {
      w: [3, 5],
      kernel: [2, 3, 2],
      b: [4],
      s: [],
    });
    expect(Object.fromEntries(Object.entries(optimizer.state).map(([key, data]) => [key, data?.length]))).toEqual({
      'psgd-kron.m:w': 15,
      'psgd-kron.Q0:w': 9,
      'psgd-kron.Q1:w': 25,
      'psgd-kron.m:kernel': 12,
      'psgd-kron.Q0:kernel': 6,
      'psgd-kron.Q1:kernel': 4,
      'psgd-kron.m:b': 4,
      'psgd-kron.Q0:b': 4,
      'psgd-kron.m:s': 1,
      'psgd-kron.Q0:s': 1,
    });
    expect(values(optimizer.state['psgd-kron.Q0:w'])).toEqual([2, 0, 0, 0, 2, 0, 0, 0, 2]);
    expect(values(optimizer.state['psgd-kron.Q0:b'])).toEqual([4, 4, 4, 4]);
    for (let t = 1; t <= 20; t++) optimizer.step({ w: numbers(t, 15), kernel: numbers(t, 12), b: numbers(t, 4), s: [t] });
    const Q = values(optimizer.state['psgd-kron.Q0:w']);
    expect([Q[3], Q[6], Q[7]]).toEqual([0, 0, 0]);
    expect([Q[0], Q[4], Q[8]].every((x) => Number.isFinite(x) && x !== 0)).toBe(true);
  });

  it('whiten: gradients of size 1 in one row and 4 in the other come out equally large, P being their standard deviation inverted', () => {
    const [shape, options] = [[2, 8], { beta: 0, momentumIntoPreconditionerUpdate: false, learningRate: 0 }] as const;
    const optimizer = make(psgdKron({ ...options, preconditionerUpdateProbability: 1, preconditionerLearningRate: 0.02 }), { w: shape });
    let state = 1;
    const sign = (): number => {
      state = (state * 48271) % 2147483647;
      return state < 2 ** 30 ? -1 : 1;
    };
    for (let t = 1; t <= 800; t++) optimizer.step({ w: Array.from({ length: 16 }, (_, i) => sign() * (i < 8 ? 1 : 4)) });
    const [a = 0, , , d = 0] = values(optimizer.state['psgd-kron.Q0:w']);
    // P₀ is the square of Q₀ on its diagonal.
    expect((a / d) ** 2).toBeGreaterThan(3.5);
    expect((a / d) ** 2).toBeLessThan(4.5);
  });

  it('are fitted when the model is, not when a parameter is: one that missed a gradient keeps the rhythm of the others', () => {
    const optimizer = make(psgdKron({ preconditionerUpdateProbability: 0.5 }), { a: [2, 2], b: [2, 2] });
    const factor = (name: string): number[] => values(optimizer.state[`psgd-kron.Q0:${name}`]);
    const start = factor('a');
    optimizer.step({ a: [1, 2, 3, 4] });
    optimizer.step({ a: [1, 2, 3, 4], b: [4, 3, 2, 1] });
    expect(factor('a')).not.toEqual(start);
    expect(factor('b')).not.toEqual(start);
    const [a, b] = [factor('a'), factor('b')];
    optimizer.step({ b: [4, 3, 2, 1] });
    expect([factor('a'), factor('b')]).toEqual([a, b]);
  });

  it('cannot be carried by a basis that turns the axes, and no basis lets them', () => {
    const inside = () => make(soap({ inner: kron() }), { w: [3, 3] });
    expect(inside).toThrow(KindError);
    expect(inside).toThrow("soap: this basis carries state of kind vector, diagonal, invariant, but 'soap/psgd-kron.Q0' is of kind matrix");
  });
});

it('resumes bit for bit in the middle of a falling schedule', () => {
  const transform = () => psgdKron({ preconditionerUpdateProbability: { maximum: 1, minimum: 0.27, decay: 0.2, flatStart: 3 } });
  const [one, other] = [make(transform(), { w: [3, 4] }, 'f32'), make(transform(), { w: [3, 4] }, 'f32')];
  for (let t = 1; t <= 7; t++) one.step({ w: numbers(t, 12) });
  other.load(one.save());
  for (let t = 8; t <= 15; t++) for (const optimizer of [one, other]) optimizer.step({ w: numbers(t, 12) });
  expect(values(other.parameters['w'])).toEqual(values(one.parameters['w']));
  expect(values(other.state['psgd-kron.Q1:w'])).toEqual(values(one.state['psgd-kron.Q1:w']));
});
