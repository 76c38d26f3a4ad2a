import { expect, it } from 'vitest';
import { Lifetimes } from './lifetimes.ts';

const grid = { alignment: 256, chunk: 4096 };

it('scratch that is in use at one time overlaps nowhere, lies aligned, and never across the end of a chunk', () => {
  let state = 7;
  const next = (n: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const lifetimes = new Lifetimes<{ readonly bytes: number }>();
  const lives = Array.from({ length: 60 }, () => {
    const [region, first] = [{ bytes: 4 * (1 + next(700)) }, next(20)];
    const last = first + next(6);
    lifetimes.use(region, first);
    lifetimes.use(region, last);
    return { region, first, last };
  });
  const starts = new Map<object, number>();
  const total = lifetimes.layOut(grid, (region, offset) => starts.set(region, offset));
  const placed = lives.map(({ region, first, last }) => {
    const start = starts.get(region) ?? Number.NaN;
    return { start, end: start + region.bytes, first, last };
  });
  for (const [i, a] of placed.entries()) {
    expect(a.start % grid.alignment).toBe(0);
    expect(Math.floor(a.start / grid.chunk)).toBe(Math.floor((a.end - 1) / grid.chunk));
    expect(a.end).toBeLessThanOrEqual(total);
    for (const b of placed.slice(i + 1)) {
      const meet = a.first <= b.last && b.first <= a.last;
      const overlap = a.start < b.end && b.start < a.end;
      expect(meet && overlap).toBe(false);
    }
  }
});

it('the place of what is over is used again, and without chunks a region may be of any length', () => {
  const lifetimes = new Lifetimes<{ readonly bytes: number }>();
  for (let time = 0; time < 10; time++) {
    const region = { bytes: 5000 };
    lifetimes.use(region, time);
    lifetimes.use(region, time + 1);
  }
  const starts: number[] = [];
  expect(lifetimes.layOut({ alignment: 64 }, (_, offset) => starts.push(offset))).toBe(2 * 5056);
  expect(starts).toEqual(starts.map((_, i) => (i % 2) * 5056));
});
