import { reference } from '@opt/backend-reference';
import { createOptimizer, type Rule, type Shape } from '@opt/core';
import { expect } from 'vitest';

/** Six gradients of six entries: no two alike, signs change, one entry is 0 for a while. */
export const gradients: readonly (readonly number[])[] = Array.from({ length: 6 }, (_, t) =>
  Array.from({ length: 6 }, (_, i) => (i === 3 && t < 2 ? 0 : Math.sin(1.3 * t + 2.1 * i) * (1 + t * 0.3))),
);
export const start: readonly number[] = [0.5, -1, 2, 0, 0.25, -0.75];

/** The parameter after each step. */
export function path(transform: Rule, given = gradients, shape: Shape = [2, 3], precision: 'f64' | 'f32' = 'f64'): number[][] {
  const optimizer = createOptimizer({ transform, parameters: { w: { shape, data: start } }, backend: reference({ precision }) });
  return given.map((w) => {
    optimizer.step({ w });
    return [...optimizer.parameters.w];
  });
}

/** Every entry by itself, with its own memory: `step` gives the new value. */
export function byHand<S extends object>(
  memory: S,
  step: (p: number, g: number, state: S, t: number) => number,
  given = gradients,
): number[][] {
  const p = [...start];
  const states = start.map(() => ({ ...memory }));
  return given.map((gradient, index) => {
    gradient.forEach((g, i) => {
      const state = states[i];
      if (state !== undefined) p[i] = step(p[i] ?? 0, g, state, index + 1);
    });
    return [...p];
  });
}

export function expectClose(actual: readonly (readonly number[])[], expected: readonly (readonly number[])[], tolerance = 1e-12): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((row, t) => {
    row.forEach((x, i) => {
      const y = expected[t]?.[i] ?? Number.NaN;
      if (!(Math.abs(x - y) <= tolerance * Math.max(1, Math.abs(y)))) expect.fail(`step ${t + 1}, entry ${i}: ${x}, by hand ${y}`);
    });
  });
}

export const length = (x: readonly number[]): number => Math.hypot(...x);
