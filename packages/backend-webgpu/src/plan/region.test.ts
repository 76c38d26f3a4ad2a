import { expect, it } from 'vitest';
import { Lifetimes, Region } from './region.ts';

const [alignment, chunk] = [256, 4096];

it('scratch that is in use at one time overlaps nowhere, lies aligned, and never across the end of what can be bound', () => {
  let state = 7;
  const next = (n: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const arena = Region.scratch(0);
  const lifetimes = new Lifetimes();
  const lives = Array.from({ length: 60 }, () => {
    const [region, first] = [Region.scratch(4 * (1 + next(700))), next(20)];
    const last = first + next(6);
    lifetimes.use(region, first);
    lifetimes.use(region, last);
    return { region, first, last };
  });
  const total = lifetimes.layOut(arena, alignment, chunk);
  for (const [i, a] of lives.entries()) {
    const end = a.region.start + a.region.bytes;
    expect(a.region.start % alignment).toBe(0);
    expect(Math.floor(a.region.start / chunk)).toBe(Math.floor((end - 1) / chunk));
    expect(end).toBeLessThanOrEqual(total);
    for (const b of lives.slice(i + 1)) {
      const meet = a.first <= b.last && b.first <= a.last;
      const overlap = a.region.start < b.region.start + b.region.bytes && b.region.start < end;
      expect(meet && overlap).toBe(false);
    }
  }
});

it('the place of what is over is used again', () => {
  const arena = Region.scratch(0);
  const lifetimes = new Lifetimes();
  const regions = Array.from({ length: 10 }, (_, time) => {
    const region = Region.scratch(512);
    lifetimes.use(region, time);
    lifetimes.use(region, time + 1);
    return region;
  });
  expect(lifetimes.layOut(arena, alignment, chunk)).toBe(1024);
  expect(regions.map(({ start }) => start)).toEqual(regions.map((_, i) => (i % 2) * 512));
});
