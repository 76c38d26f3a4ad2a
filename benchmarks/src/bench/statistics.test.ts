import { expect, test } from 'vitest';
import { median, minimum } from './statistics.ts';

test.each([
  [[3], 3],
  [[4, 1], 2.5],
  [[9, 1, 5], 5],
  [[8, 2, 4, 6], 5],
  [[], Number.NaN],
])('the median of %j is %d', (values, expected) => {
  const given = [...values];
  expect(median(given)).toBe(expected);
  expect(given).toEqual(values);
});

test('the least of nothing is no number', () => {
  expect(minimum([3, 1, 2])).toBe(1);
  expect(minimum([])).toBeNaN();
});
