import { expect, test } from 'vitest';
import { duration, kilobytes, three } from './units.ts';

test.each([
  [2.414e-6, '2.41 µs'],
  [8.12e-4, '0.812 ms'],
  [0.0123, '12.3 ms'],
  [1.239, '1.24 s'],
  [Number.NaN, '–'],
])('%d seconds are %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

test('three digits and thousands of bytes', () => {
  expect([0, 0.00839, 1, 12.34, 1234.5].map(three)).toEqual(['0.00', '0.00839', '1.00', '12.3', '1235']);
  expect(kilobytes(26_437)).toBe('26.4 kB');
});
