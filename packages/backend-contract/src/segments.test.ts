import { reference } from '@opt/backend-reference';
import { type Program, segments, trace } from '@opt/core';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { build, quarter, type RandomProgram, randomPrograms } from './fuzz/programs.ts';
import { runProgram } from './run-program.ts';

const traced = ({ inputs, instructions }: RandomProgram): Program =>
  trace(Object.fromEntries(inputs.map(({ shape }, i) => [`x${i}`, shape])), (tensors) => {
    const values = build(instructions, Object.values(tensors).map(quarter)).slice(inputs.length);
    return Object.fromEntries(values.flatMap(({ tensor }, i) => (tensor.dtype === 'working' ? [[`v${i}`, tensor] as const] : [])));
  });

/** Every second value is asked for; an answer is an input that was known all along, so that both ways give the same. */
async function expectCut(random: RandomProgram): Promise<number> {
  const program = traced(random);
  const keys = program.outputs.map(({ key }) => key).filter((_, i) => i % 2 === 0);
  const answers = random.inputs.map((_, i) => `x${i}`).slice(1);
  const cut = segments(
    program,
    answers.map((answer, i) => ({ asks: keys.filter((_, j) => j % answers.length === i), answers: [answer] })),
  );
  if (cut === undefined || cut.before.length === 0) return 0;
  const known: Record<string, { data: ArrayLike<number> }> = Object.fromEntries(
    random.inputs.flatMap((input, i) => (answers.includes(`x${i}`) ? [] : [[`x${i}`, input]])),
  );
  const found: Record<string, Float64Array> = {};
  const run = async (part: Program): Promise<void> => {
    for (const { key } of part.inputs) expect(Object.keys(known), `${part.name} reads what is there`).toContain(key);
    const { lines, scalars } = part.host;
    expect(scalars.every((line) => lines[line] !== undefined)).toBe(true);
    for (const [key, data] of Object.entries(await runProgram(reference(), part, known))) {
      found[key] = data;
      known[key] = { data };
    }
  };
  for (const { program: part, cuts } of cut.before) {
    await run(part);
    for (const i of cuts) {
      const input = random.inputs[i + 1];
      if (input !== undefined) known[`x${i + 1}`] = input;
    }
  }
  await run(cut.last);
  const whole = await runProgram(reference(), program, Object.fromEntries(random.inputs.map((one, i) => [`x${i}`, one])));
  for (const [key, expected] of Object.entries(whole)) expect(found[key], key).toEqual(expected);
  return cut.before.length;
}

it('random programs, cut at random questions, give what they give whole, bit for bit', async () => {
  let cuts = 0;
  await fc.assert(
    fc.asyncProperty(randomPrograms, async (random) => {
      cuts += await expectCut(random);
    }),
    { numRuns: 300, seed: 20261201 },
  );
  expect(cuts).toBeGreaterThan(50);
});
