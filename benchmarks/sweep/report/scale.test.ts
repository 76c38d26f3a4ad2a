import { describe, expect, test } from 'vitest';
import { scale, tickLabel } from './scale.ts';

const range = [0, 300] as const;

describe('ticks are round, inside, and far enough apart', () => {
  test.each<['linear' | 'log', [number, number], number, number[]]>([
    ['log', [1e-4, 1], 50, [0.0001, 0.001, 0.01, 0.1, 1]],
    ['log', [0.9, 110], 40, [1, 2, 5, 10, 20, 50, 100]],
    ['log', [1e-12, 1], 60, [1e-12, 1e-9, 1e-6, 0.001, 1]],
    ['log', [0.509, 0.566], 60, [0.52, 0.54, 0.56]],
    ['log', [0.5118, 0.5141], 50, [0.512, 0.5125, 0.513, 0.5135, 0.514]],
    ['linear', [0, 1000], 50, [0, 200, 400, 600, 800, 1000]],
    ['linear', [0.11, 0.29], 60, [0.15, 0.2, 0.25]],
    ['linear', [-3, 2], 40, [-3, -2, -1, 0, 1, 2]],
  ])('%s %j', (kind, domain, gap, expected) => {
    const { ticks, place } = scale({ kind, domain, range, gap });
    expect(ticks).toEqual(expected);
    ticks.forEach((tick, index) => {
      expect(place(tick)).toBeGreaterThanOrEqual(-1e-6);
      expect(place(tick)).toBeLessThanOrEqual(300 + 1e-6);
      if (index > 0) expect(place(tick) - place(ticks[index - 1] ?? 0)).toBeGreaterThanOrEqual(gap);
    });
  });
});

test('places: the ends of the domain are those of the range, either way round', () => {
  const up = scale({ kind: 'log', domain: [0.01, 100], range: [300, 0], gap: 10 });
  expect([0.01, 1, 100].map(up.place)).toEqual([300, 150, 0]);
  expect(scale({ kind: 'linear', domain: [2, 4], range, gap: 10 }).place(5)).toBe(450);
});

test('labels are short', () => {
  expect([0, 0.0001, 0.00001, 2.5, 99999, 100000].map(tickLabel)).toEqual(['0', '0.0001', '1e-5', '2.5', '99999', '1e5']);
});
