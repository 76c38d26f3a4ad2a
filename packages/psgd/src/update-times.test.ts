import { describe, expect, it } from 'vitest';
import { psgdKron } from './index.ts';
import { probabilityOption, updateTimes } from './update-times.ts';

const first = (count: number, given: unknown): number[] => {
  const isTime = updateTimes(probabilityOption(given, 'psgd-kron', 'preconditionerUpdateProbability'));
  return Array.from({ length: count }, (_, i) => i + 1).filter(isTime);
};

describe('the factors are fitted', () => {
  it('every 1/p steps, rounded up', () => {
    expect(first(10, 0.4)).toEqual([3, 6, 9]);
    expect(first(5, 1)).toEqual([1, 2, 3, 4, 5]);
    expect(first(12, 0.25)).toEqual([4, 8, 12]);
  });

  it('ever more rarely, by default after 500 steps, down to every 34th', () => {
    expect(first(12, { maximum: 1, minimum: 0.27, decay: 0.2, flatStart: 3 })).toEqual([1, 2, 3, 4, 6, 9]);
    const times = first(20000, undefined);
    expect(times.slice(0, 503)).toEqual([...Array.from({ length: 501 }, (_, i) => i + 1), 503, 505]);
    const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
    expect(gaps).toEqual([...gaps].sort((a, b) => a - b));
    expect(gaps.at(-1)).toBe(34);
  });

  it('at times that depend on the count alone, in whatever order they are asked for', () => {
    const isTime = updateTimes({ maximum: 1, minimum: 0.27, decay: 0.2, flatStart: 3 });
    expect([9, 8, 1, 12, 6, 4].map(isTime)).toEqual([true, false, true, false, true, true]);
  });
});

describe('a probability', () => {
  const rule = 'in (0, 1], or { maximum, minimum, decay, flatStart } with 0 < minimum <= maximum <= 1, decay >= 0, flatStart >= 0';
  it.each([
    [0, RangeError, '0'],
    [1.5, RangeError, '1.5'],
    [{ maximum: 1, minimum: 0, decay: 0, flatStart: 0 }, RangeError, 'an object'],
    [{ maximum: 0.5, minimum: 0.6, decay: 0, flatStart: 0 }, RangeError, 'an object'],
  ])('%j is refused', (preconditionerUpdateProbability, error, shown) => {
    const make = () => psgdKron({ preconditionerUpdateProbability });
    expect(make).toThrow(error);
    expect(make).toThrow(`psgd-kron: preconditionerUpdateProbability must be ${rule}, received ${shown}`);
  });
});
