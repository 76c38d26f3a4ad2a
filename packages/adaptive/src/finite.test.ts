import { reference } from '@opt/backend-reference';
import { createOptimizer, type Rule } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { adadelta, adagrad, adamax, adan, ademamix, adopt, lamb, mars, ngd, prodigy } from './index.ts';

const rules: Readonly<Record<string, () => Rule>> = { adadelta, adagrad, adamax, adan, ademamix, adopt, lamb, mars, ngd, prodigy };

describe('one huge gradient among ordinary ones, in f32', () => {
  it.each(Object.keys(rules).flatMap((name) => [1e20, 3e38].map((spike) => [name, spike] as const)))('%s: %d', (name, spike) => {
    const transform = rules[name]?.();
    if (transform === undefined) throw new Error(`no rule is called ${name}`);
    const optimizer = createOptimizer({
      transform,
      parameters: { w: { shape: [3, 4], data: Array.from({ length: 12 }, (_, i) => Math.sin(i)) }, b: { shape: [3], data: [1, 2, 3] } },
      backend: reference({ precision: 'f32' }),
    });
    const noise = (n: number, t: number): number[] => Array.from({ length: n }, (_, i) => Math.sin(1.7 * i + t) * (t === 5 ? spike : 1));
    for (let t = 0; t < 12; t++) optimizer.step({ w: noise(12, t), b: noise(3, t) });
    const all = [...Object.values(optimizer.parameters), ...Object.values(optimizer.state)].flatMap((values) => [...values]);
    expect(all.every(Number.isFinite)).toBe(true);
    expect(optimizer.skippedSteps).toBe(0);
  });
});
