import { reference } from '@opt/backend-reference';
import { mapValues, type Program, sameShape, type Tensor, type Transform, trace } from '@opt/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { build, quarter, type RandomProgram, randomPrograms } from '../fuzz/programs.ts';
import { isExact, rounded, tame } from '../fuzz/values.ts';
import { runProgram } from '../run-program.ts';
import type { Harness } from './harness.ts';
import { gradientsAt, type Model, optimizerOn, snapshot, withOptimizer } from './models.ts';

interface Traced {
  /** The chosen results, and every value: what is not asked for can be fused away. */
  readonly some: Program;
  readonly every: Program;
  readonly exact: ReadonlySet<string>;
}

function traced(random: RandomProgram): Traced {
  const shapes = Object.fromEntries(random.inputs.map(({ shape }, i) => [`x${i}`, shape]));
  const exactKeys = new Set<string>();
  const program = (all: boolean): Program =>
    trace(
      shapes,
      (tensors) => {
        const values = build(random.instructions, Object.values(tensors).map(quarter));
        const first = random.inputs.length;
        const kept = values.map((value, i) => [`v${i}`, value] as const).slice(first);
        for (const [key, value] of kept) if (isExact(value)) exactKeys.add(key);
        const chosen = kept.filter((_, i) => all || i === kept.length - 1 || random.instructions[i]?.result === true);
        return Object.fromEntries(chosen.map(([key, { tensor }]) => [key, tensor]));
      },
      all ? 'every value' : 'some values',
    );
  return { some: program(false), every: program(true), exact: exactKeys };
}

const largest = (data: Float64Array): number => data.reduce((max, x) => Math.max(max, Math.abs(x)), 0);

/** How far two runs of one value lie apart. */
const distance = (a: Float64Array, b: Float64Array): number =>
  a.reduce((max, x, i) => Math.max(max, Math.abs(x - (b[i] ?? Number.NaN))), 0);

/**
 * Runs a random program on the backend and on the reference. What may differ is measured, not guessed: how far the reference
 * in f32 strays from itself in f64 says how much the program magnifies rounding. Exact values must be equal.
 */
export async function expectProgram(harness: Harness, random: RandomProgram): Promise<void> {
  const { some, every, exact } = traced(random);
  const inputs = Object.fromEntries(random.inputs.map((one, i) => [`x${i}`, one]));
  const [truth, single] = [await runProgram(reference(), every, inputs), await runProgram(reference({ precision: 'f32' }), every, inputs)];
  const scale = Math.max(1, ...Object.values(truth).map(largest));
  const precision = harness.backend.precision === 'f32' ? 1 : 2 ** -29;
  for (const program of [some, every]) {
    const actual = await runProgram(harness.backend, program, inputs);
    for (const [key, value] of Object.entries(actual)) {
      const [expected = new Float64Array(0), rough = new Float64Array(0)] = [truth[key], single[key]];
      expect(value.length, `${program.name}: ${key}`).toBe(expected.length);
      const allowed = exact.has(key) ? 0 : harness.tolerance('functions') * scale + 50 * precision * distance(rough, expected);
      const error = distance(value, expected);
      if (!(error <= allowed))
        expect.fail(`${program.name}: ${key} is off by ${error}, allowed ${allowed}${exact.has(key) ? ' (exact)' : ''}`);
    }
  }
}

/** A stage that writes results of a random program over what the program reads: every parameter takes one of its shape. */
const randomStage = ({ instructions }: RandomProgram): Transform => ({
  name: 'random',
  declare() {},
  apply(flow, site) {
    // A host scalar, another number every step.
    const count = site.child('random').count('').mul(0.3);
    const starts = [...Object.values(flow.parameters), ...Object.values(flow.updates), count].map((tensor) => rounded(tensor, 4));
    const values = build(instructions, starts);
    let next = 0;
    const parameters = mapValues(flow.parameters, (old): Tensor => {
      const fitting = values.filter(({ tensor }) => tensor !== old && sameShape(tensor.shape, old.shape) && tensor.dtype === 'working');
      const chosen = fitting[fitting.length - 1 - ((instructions[next++ % instructions.length]?.on ?? 0) % fitting.length)];
      return chosen === undefined ? old.neg() : tame(chosen, 4).tensor;
    });
    return { ...flow, parameters };
  },
});

/** The same for programs that write over their own inputs, three steps in a row. */
export async function expectInPlace(harness: Harness, random: RandomProgram): Promise<void> {
  const model: Model = Object.fromEntries(random.inputs.map((one, i) => [`x${i}`, one]));
  const run = (backend: typeof harness.backend) =>
    withOptimizer(optimizerOn(backend, randomStage(random), model), async (optimizer) => {
      for (let step = 0; step < 3; step++) await optimizer.step(gradientsAt(model, step));
      return snapshot(optimizer);
    });
  const [actual, truth, single] = [await run(harness.backend), await run(reference()), await run(reference({ precision: 'f32' }))];
  const precision = harness.backend.precision === 'f32' ? 1 : 2 ** -29;
  for (const [key, expected] of Object.entries(truth)) {
    const allowed = 100 * harness.tolerance('functions') + 50 * precision * distance(single[key] ?? expected, expected);
    const error = distance(actual[key] ?? new Float64Array(0), expected);
    if (!(error <= allowed) || actual[key]?.length !== expected.length) expect.fail(`${key} is off by ${error}, allowed ${allowed}`);
  }
}

export function testFuzz(harness: Harness): void {
  describe('random programs', () => {
    // A failure prints seed and path: give both to `fuzz` to see it again.
    const parameters = (): fc.Parameters<[RandomProgram]> => {
      const { runs = 25, seed = 20240917, path } = harness.contract.fuzz ?? {};
      return { numRuns: runs, seed, ...(path !== undefined && { path }) };
    };

    it('agree with the reference', async () => {
      await fc.assert(
        fc.asyncProperty(randomPrograms, (random) => expectProgram(harness, random)),
        parameters(),
      );
    });

    it('agree with the reference where they write over what they read', async () => {
      await fc.assert(
        fc.asyncProperty(randomPrograms, (random) => expectInPlace(harness, random)),
        parameters(),
      );
    });
  });
}
