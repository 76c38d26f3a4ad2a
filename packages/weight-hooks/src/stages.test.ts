import { describe, expect, it } from 'vitest';
import { normControl, radialBrake, radiusPin, relativeUpdate, updateFloor, type WeightHook } from './index.ts';
import { dot, expectClose, length, minus, path, plain, times, wave } from './testing/run.ts';

const rate = 0.2;
const on = (...stages: readonly WeightHook[]) => normControl({ base: plain(rate), stages });
const start = wave(6, 1);
const g = wave(6, 2);
const step = (stage: WeightHook, w: readonly number[] = start, gradient: readonly number[] = g): number[] | undefined =>
  path(on(stage), [2, 3], w, [gradient])[0];

describe('relativeUpdate', () => {
  it('moves by η‖W‖ whatever the gradient', () => {
    expectClose(step(relativeUpdate()), minus(start, times(g, (rate * length(start)) / length(g))));
    const moved = minus(step(relativeUpdate(), start, times(g, 1e-7)) ?? [], start);
    expect(length(moved) / length(start)).toBeCloseTo(rate, 12);
  });

  it('zero weights take one plain step, a gradient of nothing none', () => {
    expectClose(step(relativeUpdate(), times(start, 0)), times(g, -rate));
    expectClose(step(relativeUpdate(), start, times(g, 1e-20)), start);
    expectClose(
      step(relativeUpdate({ epsilon: 1e-30 }), start, times(g, 1e-20)),
      minus(start, times(g, (rate * length(start)) / length(g))),
    );
  });
});

describe('radialBrake', () => {
  const free = minus(start, times(g, rate));

  it('norm: keeps a share of what the norm grew or shrank', () => {
    const braked = (gradient: readonly number[], outwardScale: number, inwardScale: number): void => {
      const moved = minus(start, times(gradient, rate));
      const [r, n] = [length(start), length(moved)];
      const s = n > r ? outwardScale : inwardScale;
      const actual = step(radialBrake({ outwardScale, inwardScale }), start, gradient);
      expectClose(actual, times(moved, (r + s * (n - r)) / n));
    };
    braked(times(start, -1), 0.5, 1);
    braked(times(start, 0.5), 0.5, 0.25);
    braked(g, 0, 0);
  });

  it('component: scales the radial part of the direction', () => {
    const braked = (gradient: readonly number[], outwardScale: number, inwardScale: number): void => {
      const c = dot(gradient, start) / dot(start, start);
      const s = c < 0 ? outwardScale : inwardScale;
      const U = minus(gradient, times(start, (1 - s) * c));
      expectClose(step(radialBrake({ form: 'component', outwardScale, inwardScale }), start, gradient), minus(start, times(U, rate)));
    };
    braked(times(g, 1), 0.5, 0.25);
    braked(times(g, -1), 0.5, 0.25);
    braked(times(start, -2), 0, 1);
  });

  it('with both scales 1 is not there', () => {
    expectClose(step(radialBrake({ outwardScale: 1, inwardScale: 1 })), free);
    expectClose(step(radialBrake({ form: 'component', outwardScale: 1 })), free);
  });

  it('zero weights go', () => {
    expectClose(step(radialBrake(), times(start, 0)), times(g, -rate * 0.5));
    expectClose(step(radialBrake({ outwardScale: 0 }), times(start, 0)), times(start, 0));
    expectClose(step(radialBrake({ form: 'component' }), times(start, 0)), times(g, -rate));
  });
});

describe('updateFloor', () => {
  it('lifts a direction that is shorter than ρ‖W‖, and leaves a longer one', () => {
    const small = times(g, 1e-3);
    expectClose(step(updateFloor({ ratio: 0.5 }), start, small), minus(start, times(g, (rate * 0.5 * length(start)) / length(g))));
    expectClose(step(updateFloor({ ratio: 1e-9 }), start, small), minus(start, times(small, rate)));
    expectClose(step(updateFloor(), times(start, 0), small), times(small, -rate));
    expectClose(step(updateFloor(), start, times(g, 0)), start);
  });

  /** The rows of a kernel: one per output, along the first axis or the last. */
  const rows = (x: readonly number[], outputs: number, layout: 'out-in' | 'in-out'): number[][] =>
    Array.from({ length: outputs }, (_, o) => {
      const fan = x.length / outputs;
      return Array.from({ length: fan }, (__, i) => x[layout === 'out-in' ? o * fan + i : i * outputs + o] ?? Number.NaN);
    });

  it.each([
    ['out-in', [3, 2, 2]],
    ['in-out', [2, 2, 3]],
    ['out-in', [3, 4]],
    ['in-out', [4, 3]],
  ] as const)('row by row, %s %j', (layout, shape) => {
    const [w, u] = [wave(12, 5), times(wave(12, 6), 0.3)];
    const [moved = []] = path(on(updateFloor({ per: 'row', layout, ratio: 0.4 })), shape, w, [u]);
    const [before, after, given] = [rows(w, 3, layout), rows(moved, 3, layout), rows(u, 3, layout)];
    const lifted = before.map((row, i) => Math.max(1, (0.4 * length(row)) / length(given[i] ?? [])));
    before.forEach((row, i) => {
      expectClose(after[i], minus(row, times(given[i] ?? [], rate * (lifted[i] ?? 1))));
    });
    // The rows differ in what becomes of them.
    expect(Math.max(...lifted) - Math.min(...lifted)).toBeGreaterThan(0.05);
  });

  it('a vector has no rows', () => {
    const rule = normControl({ base: plain(rate), stages: [updateFloor({ per: 'row', ratio: 1 })], minRank: 1 });
    const [moved] = path(rule, [6], start, [times(g, 0.01)]);
    expectClose(moved, minus(start, times(g, (rate * length(start)) / length(g))));
  });
});

describe('radiusPin', () => {
  it('leaves the growth of first order only', () => {
    const moved = minus(start, times(g, rate));
    const r = length(start) - (rate * dot(g, start)) / length(start);
    expectClose(step(radiusPin()), times(moved, r / length(moved)));
    const c = dot(g, start) / dot(start, start);
    const tangential = minus(g, times(start, c));
    expect(length(step(radiusPin(), start, tangential) ?? [])).toBeCloseTo(length(start), 13);
  });

  it('does not freeze zero weights', () => {
    expectClose(step(radiusPin(), times(start, 0)), times(g, -rate));
  });
});
