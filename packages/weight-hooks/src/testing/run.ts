import { reference } from '@opt/backend-reference';
import { createOptimizer, perTensor, type Rule, rule, type Shape } from '@opt/core';
import { expect } from 'vitest';

/** W ← W − ηU with U the gradient itself, or the gradient times a gain that travels beside it. */
export const plain = (learningRate: number, gain?: number): Rule =>
  rule(
    perTensor({ name: 'as-it-is', apply: ({ update }) => (gain === undefined ? {} : { gain: update.sum().mul(0).add(gain) }) }),
    perTensor({
      name: 'move',
      hyper: { learningRate },
      apply: ({ update, parameter, gain: factor, hyper }) => ({
        parameter: parameter.sub(update.mul(factor === undefined ? hyper.learningRate : hyper.learningRate.mul(factor))),
      }),
    }),
  );

/** The weights after each gradient. */
export function path(transform: Rule, shape: Shape, start: readonly number[], gradients: readonly (readonly number[])[]): number[][] {
  const optimizer = createOptimizer({ transform, parameters: { w: { shape, data: start } }, backend: reference() });
  return gradients.map((w) => {
    optimizer.step({ w });
    return [...optimizer.parameters.w];
  });
}

export const length = (x: readonly number[]): number => Math.hypot(...x);
export const dot = (x: readonly number[], y: readonly number[]): number => x.reduce((sum, a, i) => sum + a * (y[i] ?? 0), 0);
export const times = (x: readonly number[], factor: number): number[] => x.map((a) => a * factor);
export const minus = (x: readonly number[], y: readonly number[]): number[] => x.map((a, i) => a - (y[i] ?? 0));

/** Numbers without a pattern. */
export const wave = (n: number, seed: number): number[] => Array.from({ length: n }, (_, i) => Math.sin(1.7 * i + 2.9 * seed) + 0.1 * seed);

export function expectClose(actual: readonly number[] | undefined, expected: readonly number[], tolerance = 1e-13): void {
  expect(actual?.length).toBe(expected.length);
  expected.forEach((y, i) => {
    const x = actual?.[i] ?? Number.NaN;
    if (!(Math.abs(x - y) <= tolerance * Math.max(1, Math.abs(y)))) expect.fail(`entry ${i}: ${x}, by hand ${y}`);
  });
}
