import { reference } from '@opt/backend-reference';
import { createOptimizer, type Rule } from '@opt/core';
import { normalizeEma } from '@opt/normalize-ema';
import { describe, expect, it } from 'vitest';
import { lmAdagrad } from './index.ts';

const run = (transform: Rule, gradients: readonly (readonly number[])[], initial: readonly number[]): number[][] => {
  const optimizer = createOptimizer({ transform, parameters: { w: { shape: [initial.length], data: initial } }, backend: reference() });
  return gradients.map((w) => {
    optimizer.step({ w });
    return [...optimizer.parameters.w];
  });
};
const wave = (n: number, d: number): number[][] =>
  Array.from({ length: n }, (_, t) => Array.from({ length: d }, (_, i) => Math.sin(1.7 * t + 2.3 * i + 0.1 * t * i)));
const zeros = (d: number): number[] => new Array<number>(d).fill(0);
const length = (x: readonly number[]): number => Math.hypot(...x);

describe('lmAdagrad', () => {
  it('with a history of one is the normalised gradient', () => {
    const [g = []] = wave(1, 6);
    const epsilon = 1e-3;
    const [moved = []] = run(lmAdagrad({ learningRate: 1, historySize: 1, epsilon }), [g], zeros(6));
    moved.forEach((x, i) => {
      expect(x).toBeCloseTo(-(g[i] ?? 0) / Math.sqrt(length(g) ** 2 + epsilon), 12);
    });
  });

  it('centered, moves by at most η(1 + ‖mean‖/√(σ² + ε)) with the smallest deviation σ, which is more than η', () => {
    const epsilon = 1e-6;
    const gradients = Array.from({ length: 12 }, (_, t) => [1 + 0.02 * Math.sin(7 * t), 2 + 0.01 * Math.cos(3 * t)]);
    const path = run(lmAdagrad({ centered: true, learningRate: 0.1, historySize: 3, epsilon }), gradients, zeros(2));
    let longest = 0;
    for (let t = 2; t < gradients.length; t++) {
      const last = gradients.slice(t - 2, t + 1);
      const mean = (i: number): number => last.reduce((sum, g) => sum + (g[i] ?? 0), 0) / 3;
      const covariance = (i: number, j: number): number =>
        last.reduce((sum, g) => sum + ((g[i] ?? 0) - mean(i)) * ((g[j] ?? 0) - mean(j)), 0);
      const [a, b, c] = [covariance(0, 0), covariance(0, 1), covariance(1, 1)];
      const least = (a + c) / 2 - Math.hypot((a - c) / 2, b);
      const step = length((path[t] ?? []).map((x, i) => x - (path[t - 1]?.[i] ?? 0)));
      expect(step).toBeLessThanOrEqual(0.1 * (1 + Math.hypot(mean(0), mean(1)) / Math.sqrt(least + epsilon)) * (1 + 1e-9));
      longest = Math.max(longest, step);
    }
    expect(longest).toBeGreaterThan(1);
  });

  it('moves a group by at most the learning rate', () => {
    const path = run(lmAdagrad({ learningRate: 0.3 }), wave(20, 5), zeros(5));
    path.forEach((x, t) => {
      expect(length(x.map((value, i) => value - (path[t - 1]?.[i] ?? 0)))).toBeLessThan(0.3);
    });
  });

  it('damped as in GGT takes σ²(σ²+ε)^−3/2 along a single gradient', () => {
    const [moved = []] = run(lmAdagrad({ learningRate: 1, damping: 'ggt', epsilon: 4 }), [[2, 0]], zeros(2));
    expect(moved[0]).toBeCloseTo((-2 * 4) / 8 ** 1.5, 12);
  });

  it('gives no update on the first centred call, and none while every gradient is zero', () => {
    expect(run(lmAdagrad({ centered: true }), [[1, 2]], [5, 6])).toEqual([[5, 6]]);
    expect(run(lmAdagrad(), [zeros(2), zeros(2)], [5, 6])).toEqual([
      [5, 6],
      [5, 6],
    ]);
  });

  it('does not lose ordinary gradients behind a spike', () => {
    const gradients = [[1000, 0, 0], ...wave(3, 3)];
    const path = run(lmAdagrad({ learningRate: 1, epsilon: 1e-12 }), gradients, zeros(3));
    expect(length((path[3] ?? []).map((x, i) => x - (path[2]?.[i] ?? 0)))).toBeGreaterThan(0.1);
  });

  it('composes with normalizeEma', () => {
    const plain = run(lmAdagrad({ learningRate: 1 }), wave(1, 4), zeros(4))[0] ?? [];
    const scaled =
      run(normalizeEma({ base: lmAdagrad({ learningRate: 1 }), emaBeta: 0.9, perTensor: false }), wave(1, 4), zeros(4))[0] ?? [];
    scaled.forEach((x, i) => {
      expect(x).toBeCloseTo(0.1 * (plain[i] ?? 0), 12);
    });
  });

  it('keeps a joined history by default, and one per parameter on request', () => {
    const parameters = { w: { shape: [2, 2], data: zeros(4) }, b: { shape: [2], data: zeros(2) } };
    const keys = (transform: Rule): string[] => Object.keys(createOptimizer({ transform, parameters, backend: reference() }).state);
    expect(keys(lmAdagrad())).toEqual(['lm-adagrad.history:*', 'lm-adagrad.K:*']);
    expect(keys(lmAdagrad({ concatenate: false, momentum: 0.9 }))).toEqual([
      'lm-adagrad.history:w',
      'lm-adagrad.K:w',
      'lm-adagrad.b:w',
      'lm-adagrad.history:b',
      'lm-adagrad.K:b',
      'lm-adagrad.b:b',
    ]);
  });

  it('goes over the history twice a step, three times with momentum of the gradient', () => {
    const [d, k] = [100_000, 10];
    const passes = (transform: Rule): number => {
      const parameters = { w: { shape: [d], data: new Float32Array(d) } };
      const program = createOptimizer({ transform, parameters, backend: reference({ precision: 'f32' }) })
        .explain(1)
        .programs.at(-1);
      const matmuls = program?.program.nodes.filter(({ operation }) => operation.op === 'matmul') ?? [];
      return matmuls.filter((node) => node.inputs.some((i) => program?.program.nodes[i]?.shape.join() === `${k},${d}`)).length;
    };
    expect(passes(lmAdagrad())).toBe(2);
    expect(passes(lmAdagrad({ momentum: 0.9 }))).toBe(3);
    expect(passes(lmAdagrad({ momentum: 0.9, momentumMode: 'update' }))).toBe(2);
  });

  it.each([
    [{ historySize: 0 }, 'lm-adagrad: historySize must be an integer >= 1, received 0'],
    [{ epsilon: 0 }, 'lm-adagrad: epsilon must be a finite number > 0, received 0'],
    [{ momentum: 1 }, 'lm-adagrad: momentum must be in [0, 1), received 1'],
    [{ learningRate: Number.NaN }, 'lm-adagrad: learningRate must be a finite number >= 0, received NaN'],
    [{ name: 'mine', weightDecay: -1 }, 'mine: weightDecay must be a finite number >= 0, received -1'],
  ])('refuses %o', (options, message) => {
    expect(() => lmAdagrad(options)).toThrow(message);
  });
});
