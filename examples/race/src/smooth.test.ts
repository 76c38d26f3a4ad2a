import { expect, test } from 'vitest';
import { smooth } from './smooth.ts';

test('a constant stays', () => {
  for (const value of smooth(new Array<number>(100).fill(2.5))) expect(value).toBeCloseTo(2.5, 12);
});

test('a straight line stays where no end is in reach', () => {
  const line = Array.from({ length: 100 }, (_, index) => index);
  const smoothed = smooth(line);
  for (let index = 32; index < 68; index++) expect(smoothed[index]).toBeCloseTo(index, 10);
});

test('a single spike becomes the kernel: Gaussian of σ = 8, zero beyond 32 steps', () => {
  const spike = new Array<number>(201).fill(0);
  spike[100] = 1;
  const smoothed = smooth(spike);
  expect((smoothed[108] ?? 0) / (smoothed[100] ?? 1)).toBeCloseTo(Math.exp(-0.5), 12);
  expect(smoothed[132]).toBeGreaterThan(0);
  expect(smoothed[133]).toBe(0);
  expect(smoothed.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
});

test('the ends are mirrored without repeating the end value', () => {
  const values = Array.from({ length: 60 }, (_, index) => Math.sin(index * index));
  const extended = [...values.slice(1, 33).reverse(), ...values, ...values.slice(27, 59).reverse()];
  const expected = smooth(extended).slice(32, 92);
  smooth(values).forEach((value, index) => {
    expect(value).toBeCloseTo(expected[index] ?? Number.NaN, 12);
  });
});

test('runs shorter than the kernel are mirrored again and again', () => {
  expect(smooth([])).toEqual([]);
  expect(smooth([3])[0]).toBeCloseTo(3, 12);
  expect(smooth([1, 3])).toHaveLength(2);
  for (const value of smooth([1, 3])) expect(value).toBeCloseTo(2, 2);
});

test('another σ is another kernel, cut at four of it; 0 leaves the values as they are', () => {
  const spike = new Array<number>(41).fill(0);
  spike[20] = 1;
  const smoothed = smooth(spike, 2);
  expect((smoothed[22] ?? 0) / (smoothed[20] ?? 1)).toBeCloseTo(Math.exp(-0.5), 12);
  expect(smoothed[28]).toBeGreaterThan(0);
  expect(smoothed[29]).toBe(0);
  expect(smooth(spike, 0)).toEqual(spike);
});
