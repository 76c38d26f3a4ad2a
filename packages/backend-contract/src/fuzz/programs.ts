import type { Shape, Tensor } from '@opt/core';
import { size } from '@opt/core';
import * as fc from 'fast-check';
import { operations } from './operations.ts';
import { exact, tame, type Value } from './values.ts';

/** One line of a random program: an operation, on which of the values so far, with numbers of its own. */
export interface Instruction {
  /** A key of `operations`. */
  readonly operation: string;
  readonly on: number;
  readonly numbers: readonly number[];
  /** Whether the result is one of the program's. */
  readonly result: boolean;
}

/** A random program as plain data: print it, keep it, build it again. */
export interface RandomProgram {
  readonly inputs: readonly { readonly shape: Shape; readonly data: readonly number[] }[];
  readonly instructions: readonly Instruction[];
}

/** Inputs are multiples of a quarter, so that much of what is made of them is exact in every precision. */
const quarters = { bound: 4, fraction: 2 };

const shapes: fc.Arbitrary<readonly number[]> = fc.oneof(
  fc.constantFrom<readonly number[]>([], [1], [1, 1], [3, 1], [1, 5]),
  fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 2 }),
  fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 3, maxLength: 4 }),
);

const inputs = shapes.chain((shape) =>
  fc
    .array(fc.integer({ min: -16, max: 16 }), { minLength: size(shape), maxLength: size(shape) })
    .map((data) => ({ shape, data: data.map((x) => x / 4) })),
);

const instructions: fc.Arbitrary<Instruction> = fc.record({
  operation: fc.constantFrom(...Object.keys(operations)),
  on: fc.nat(30),
  numbers: fc.array(fc.nat(5039), { minLength: 5, maxLength: 5 }),
  result: fc.boolean(),
});

/** Random programs over all primitive operations. */
export const randomPrograms: fc.Arbitrary<RandomProgram> = fc.record({
  inputs: fc.array(inputs, { minLength: 1, maxLength: 4 }),
  instructions: fc.array(instructions, { minLength: 1, maxLength: 14 }),
});

/** An input of a random program: a multiple of a quarter. */
export const quarter = (tensor: Tensor): Value => exact(tensor, quarters.bound, quarters.fraction);

/** Every value of the program, those it starts from first. Call it inside of a trace. */
export function build(lines: readonly Instruction[], starts: readonly Value[]): Value[] {
  const values: Value[] = [...starts];
  for (const { operation, on, numbers } of lines) {
    // Newer values are likelier, so that programs grow deep.
    const x = values[values.length - 1 - (on % values.length)];
    const apply = operations[operation];
    if (x === undefined || apply === undefined) continue;
    const pick = (k: number, n: number): number => (n <= 1 ? 0 : (numbers[k % numbers.length] ?? 0) % n);
    values.push(tame(apply({ values, x, pick }), 1e4));
  }
  return values;
}
