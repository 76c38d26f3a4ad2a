import { reference } from '@opt/backend-reference';
import { createOptimizer, type Shape } from '@opt/core';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type SoapOptions, soap } from './soap.ts';

const log = vi.spyOn(console, 'warn');
beforeEach(() => log.mockReset().mockImplementation(() => {}));
afterEach(() => log.mockReset());

/** What is said when an optimizer for these shapes is made. */
function said(shapes: Readonly<Record<string, Shape>>, options: SoapOptions = {}): string[] {
  const parameters = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) }]),
  );
  createOptimizer({ transform: soap(options), parameters, backend: reference({ precision: 'f32' }) }).dispose();
  return log.mock.calls.map(([line]) => String(line));
}

it('a first step of seconds is announced: the parameter, the time, the option that avoids it; once', () => {
  const lines = said({ bias: [64], embedding: [2500, 4], other: [2500, 4] });
  // (2 + 8/3)·2500³ FLOPs at 2e10 a second, and next to nothing for the axis of 4.
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^@opt: soap: 'embedding' \[2500,4\].* axis of 2500; .* about 3\.6 s .*maxPreconditionDim: 1024/);
});

it('with that option, and for ordinary layers, nothing is said', () => {
  expect(said({ embedding: [2500, 4] }, { maxPreconditionDim: 1024 })).toEqual([]);
  expect(said({ kernel: [1024, 8] })).toEqual([]);
});
