import { expect, it } from 'vitest';
import { logarithmicMarks } from './marks.ts';

it.each([
  [1.5, 2.6, [1.6, 1.8, 2, 2.2, 2.4, 2.6]],
  [0.09, 2.5, [0.1, 0.2, 0.5, 1, 2]],
  [3e-7, 0.2, [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1]],
  [1e-16, 1, [1e-16, 1e-14, 1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1]],
])('from %d to %d a logarithmic axis is marked at %j', (least, most, marks) => {
  expect(logarithmicMarks(least, most)).toEqual(marks);
});
