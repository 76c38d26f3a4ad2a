import { reference } from '@opt/backend-reference';
import { createOptimizer, perTensor, rule, type Transform } from '@opt/core';
import { expect } from 'vitest';

/** Six gradients of four entries: no two alike, signs change, one entry is 0 for a while. */
export const gradients: readonly (readonly number[])[] = Array.from({ length: 6 }, (_, t) =>
  Array.from({ length: 4 }, (_, i) => (i === 3 && t < 2 ? 0 : Math.sin(1.3 * t + 2.1 * i) * (1 + t * 0.3))),
);

const assign = perTensor({ name: 'assign', apply: ({ update }) => ({ parameter: update }) });

/** Parameters after each step. */
export function path(transform: Transform, given = gradients, start: readonly number[] = [0.5, -1, 2, 0]): number[][] {
  const shape = [given[0]?.length ?? 0];
  const optimizer = createOptimizer({ transform, parameters: { w: { shape, data: start.slice(0, shape[0]) } }, backend: reference() });
  return given.map((w) => {
    optimizer.step({ w });
    return [...optimizer.parameters.w];
  });
}

/** What a direction makes of each gradient. */
export const updates = (direction: Transform, given = gradients): number[][] => path(rule(direction, assign), given);

/** The same by hand: `step` for each entry, with its own memory. */
export function byHand<S>(memory: () => S, step: (g: number, state: S, t: number) => number, given = gradients): number[][] {
  const states = (given[0] ?? []).map(memory);
  return given.map((gradient, index) =>
    gradient.map((g, i) => {
      const state = states[i];
      if (state === undefined) throw new Error('gradients differ in length');
      return step(g, state, index + 1);
    }),
  );
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
