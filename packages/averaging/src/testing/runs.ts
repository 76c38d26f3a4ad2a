import { reference } from '@opt/backend-reference';
import { createOptimizer, type Transform } from '@opt/core';
import { expect } from 'vitest';

/** Eight gradients of four entries, no two alike. */
export const gradients: readonly (readonly number[])[] = Array.from({ length: 8 }, (_, t) =>
  Array.from({ length: 4 }, (_, i) => Math.sin(1.3 * t + 2.1 * i) * (1 + t * 0.2)),
);
export const start: readonly number[] = [0.5, -1, 2, 0.25];

export const make = (transform: Transform, shape: readonly number[] = [4]) =>
  createOptimizer({ transform, parameters: { w: { shape, data: start } }, backend: reference() });

/** Where gradients are taken after each step, and what is judged. */
export function paths(transform: Transform, given = gradients): { readonly trained: number[][]; readonly judged: number[][] } {
  const optimizer = make(transform);
  const judged: number[][] = [];
  const trained = given.map((w) => {
    optimizer.step({ w });
    judged.push([...optimizer.evaluation.w]);
    return [...optimizer.parameters.w];
  });
  return { trained, judged };
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
