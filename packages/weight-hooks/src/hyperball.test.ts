import { reference } from '@opt/backend-reference';
import { createOptimizer, TransformError } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { hyperball, normControl } from './index.ts';
import { expectClose, length, minus, path, plain, times, wave } from './testing/run.ts';

const on = (stage: Parameters<typeof hyperball>[0], rate = 0.1) => normControl({ base: plain(rate), stages: [hyperball(stage)] });

describe('hyperball', () => {
  it('turns the weights on the sphere they start on', () => {
    const [start, g] = [wave(6, 1), wave(6, 2)];
    const R = length(start);
    const moved = minus(start, times(g, (0.1 * R) / length(g)));
    const [once, twice] = path(on({}), [2, 3], start, [g, times(g, 1e-9)]);
    expectClose(once, times(moved, R / length(moved)));
    // The length of the gradient does not matter.
    const again = minus(once ?? [], times(g, (0.1 * R) / length(g)));
    expectClose(twice, times(again, R / length(again)));
  });

  it('keeps the norm over many steps, whatever the decay', () => {
    const start = wave(12, 3);
    const gradients = Array.from({ length: 40 }, (_, t) => wave(12, t));
    const rule = normControl({ base: plain(0.2), stages: [hyperball()], weightDecay: 0.3 });
    for (const w of path(rule, [3, 2, 2], start, gradients)) expect(length(w) / length(start)).toBeCloseTo(1, 13);
  });

  it('a radius of its own is where zero weights land too', () => {
    const g = wave(4, 1);
    const [landed] = path(on({ radius: 2.5 }), [2, 2], [0, 0, 0, 0], [g]);
    expectClose(landed, times(g, -2.5 / length(g)));
  });

  it('zero weights without a radius are free for good, or refused', () => {
    const gradients = [wave(4, 1), wave(4, 2)];
    const [first = [], second] = path(on({}), [2, 2], [0, 0, 0, 0], gradients);
    expectClose(first, times(gradients[0] ?? [], -0.1));
    expectClose(second, minus(first, times(gradients[1] ?? [], 0.1)));
    const make = () => path(on({ zeroWeights: 'throw' }), [2, 2], [0, 0, 0, 0], []);
    expect(make).toThrow(TransformError);
    expect(make).toThrow("hyperball: parameter 'w' must not be zero where radius is its own norm; give a radius");
    expect(() => path(on({ zeroWeights: 'throw' }), [2, 2], [0, 0, 0, 1], [])).not.toThrow();
    // Vectors are not wrapped.
    expect(() => path(on({ zeroWeights: 'throw' }), [4], [0, 0, 0, 0], [])).not.toThrow();
  });

  it('no gradient, no step', () => {
    const start = wave(4, 1);
    const [still] = path(on({}), [2, 2], start, [[0, 0, 0, 0]]);
    expectClose(still, start);
  });

  it('remembers the radius in a checkpoint', () => {
    const make = (data: readonly number[]) =>
      createOptimizer({ transform: on({}), parameters: { w: { shape: [2, 2], data } }, backend: reference() });
    const first = make([3, 0, 0, 4]);
    first.step({ w: [1, 1, 1, 1] });
    const second = make([1, 1, 1, 1]);
    second.load(first.save());
    expect([...(second.state['norm-control/hyperball.radius:w'] ?? [])]).toEqual([5]);
    second.step({ w: [1, 2, 3, 4] });
    expect(length([...second.parameters.w])).toBeCloseTo(5, 13);
  });
});
