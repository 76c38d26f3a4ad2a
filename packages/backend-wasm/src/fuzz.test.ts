import { build, type RandomProgram, randomPrograms } from '@opt/backend-contract/vitest';
import { reference } from '@opt/backend-reference';
import { type Floats, size, trace } from '@opt/core';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { wasm } from './index.ts';
import { runOn } from './testing/compare.ts';

/** The contract's random programs on larger tensors: there loops turn, tiles are cut and tails are left over. */
const enlarged = (factor: number, more: number): fc.Arbitrary<RandomProgram> =>
  randomPrograms
    .map(({ inputs, instructions }) => ({
      instructions,
      inputs: inputs.map(({ shape, data }) => {
        const larger = shape.map((n) => (n === 1 ? 1 : n * factor + more));
        return { shape: larger, data: Array.from({ length: size(larger) }, (_, i) => data[(i * 7 + (i >> 3)) % data.length] ?? 0) };
      }),
    }))
    .filter(({ inputs }) => inputs.every(({ shape }) => size(shape) < 5000));

const largest = (data: Floats): number => Float64Array.from(data).reduce((max, x) => Math.max(max, Math.abs(x)), 0);
const distance = (a: Floats, b: Floats): number => largest(Float64Array.from(a, (x, i) => x - (b[i] ?? Number.NaN)));

function expectAgreement({ inputs, instructions }: RandomProgram): void {
  const program = trace(Object.fromEntries(inputs.map(({ shape }, i) => [`x${i}`, shape])), (tensors) => {
    const values = build(
      instructions,
      Object.values(tensors).map((tensor) => ({ tensor, bound: 4, fraction: 2 })),
    );
    return Object.fromEntries(values.map(({ tensor }, i) => [`v${i}`, tensor]));
  });
  const data = Object.fromEntries(inputs.map((input, i) => [`x${i}`, input.data]));
  const [actual, single, truth] = [
    runOn(wasm(), program, data),
    runOn(reference({ precision: 'f32' }), program, data),
    runOn(reference(), program, data),
  ];
  const scale = Math.max(1, ...Object.values(truth).map(largest));
  for (const [key, expected] of Object.entries(truth)) {
    const [given, rounded] = [actual[key] ?? expected, single[key] ?? expected];
    // How far f32 strays from f64 says how much this program magnifies rounding; products of long rows are summed in f32 here.
    expect(distance(given, expected), key).toBeLessThanOrEqual(2e-5 * scale + 50 * distance(rounded, expected));
  }
}

it.each([
  [3, 1, 200],
  [4, 0, 200],
  [8, 0, 100],
  [16, 0, 40],
])('random programs agree with the reference, every axis times %i plus %i, %i times', (factor, more, numRuns) => {
  fc.assert(fc.property(enlarged(factor, more), expectAgreement), { numRuns, seed: 20261121 });
});
