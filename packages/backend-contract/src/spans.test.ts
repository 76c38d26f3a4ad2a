import { reference } from '@opt/backend-reference';
import { debias, type Known, precisions, type Span, spans, type Tensor, trace } from '@opt/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { build, quarter, randomPrograms } from './fuzz/programs.ts';
import { runProgram } from './run-program.ts';

const { largest } = precisions.f32;
const known = (inputs: Readonly<Record<string, Span>>): Known => ({
  round: Math.fround,
  largest,
  input: (key) => inputs[key],
  hyper: () => undefined,
});

const around = (data: readonly number[]): Span => ({
  low: Math.fround(Math.min(...data)),
  high: Math.fround(Math.max(...data)),
  nan: false,
});

/** Whether a number is where it was said to be. */
const within = (x: number, { low, high, nan }: Span): boolean => (Number.isNaN(x) ? nan : x >= low && x <= high);

describe('spans', () => {
  it('hold what programs give, whatever the magnitudes', async () => {
    const magnitudes = fc.constantFrom(1, 1, 1e-42, 1e-30, 1e10, 1e19, 1e30, 8e37);
    await fc.assert(
      fc.asyncProperty(randomPrograms, fc.array(magnitudes, { minLength: 4, maxLength: 4 }), async (random, scales) => {
        const inputs = Object.fromEntries(
          random.inputs.map(({ shape, data }, i) => [`x${i}`, { shape, data: data.map((x) => x * (scales[i % 4] ?? 1)) }]),
        );
        const shapes = Object.fromEntries(random.inputs.map(({ shape }, i) => [`x${i}`, shape]));
        const program = trace(shapes, (tensors) => {
          const values = build(random.instructions, Object.values<Tensor>(tensors).map(quarter));
          return Object.fromEntries(values.slice(random.inputs.length).map(({ tensor }, i) => [`v${i}`, tensor]));
        });
        const predicted = spans(program, known(Object.fromEntries(Object.entries(inputs).map(([key, { data }]) => [key, around(data)]))));
        const results = await runProgram(reference({ precision: 'f32' }), program, inputs);
        program.outputs.forEach(({ key, dtype }, i) => {
          // What is wide on one backend is working precision on another; here it is not rounded as the spans are.
          if (dtype !== 'working') return;
          const where = predicted[i];
          const stray = [...(results[key] ?? [])].find((x) => where === undefined || !within(x, where));
          expect(stray, `${key} in [${where?.low}, ${where?.high}]${where?.nan === true ? ' or NaN' : ''}`).toBeUndefined();
        });
      }),
      { numRuns: 400, seed: 20261201 },
    );
  });

  const wide: Span = { low: -largest, high: largest, nan: false };
  const of = (f: (x: Tensor, y: Tensor) => Tensor, x: Span = wide, y: Span = wide): Span | undefined =>
    spans(
      trace({ x: [4], y: [4] }, ({ x: a, y: b }) => ({ r: f(a, b) })),
      known({ x, y }),
    )[0];

  it.each<[string, Span | undefined, Span]>([
    ['a sum of two may overflow', of((x, y) => x.add(y)), { low: -Infinity, high: Infinity, nan: false }],
    ['a difference of infinities is NaN', of((x, y) => x.mul(2).sub(y.mul(2))), { low: -Infinity, high: Infinity, nan: true }],
    ['a square is not negative', of((x) => x.square()), { low: 0, high: Infinity, nan: false }],
    ['a clamp ends it', of((x) => x.min(3).max(-2)), { low: -2, high: 3, nan: false }],
    ['a root of what may be negative', of((x) => x.sqrt()), { low: 0, high: Math.fround(Math.sqrt(largest)), nan: true }],
    ['0/0', of((x, y) => x.div(y)), { low: -Infinity, high: Infinity, nan: true }],
    ['a divisor away from 0', of((x, y) => x.min(1).max(-1).div(y.abs().add(0.5))), { low: -2, high: 2, nan: false }],
    ['a half of a denormal is no bound', of((x, y) => x.max(1).min(2).div(y.abs())), { low: 0, high: Infinity, nan: false }],
    ['where of isFinite', of((x, y) => x.mul(y).isFinite()), { low: 0, high: 1, nan: false }],
  ])('%s', (_, actual, expected) => {
    expect(actual).toEqual(expected);
  });

  it('an average of finite values is between them', () => {
    const tensors = { m: [4], g: [4] };
    const program = trace(tensors, ({ m, g }) => ({ m: m.sub(m.mul(0.25)).add(g.mul(0.25)) }));
    expect(spans(program, known({ m: wide, g: { low: -5, high: 5, nan: false } }))[0]).toEqual(wide);
  });

  it('a bias correction is between 0 and 1', () => {
    const program = trace({ x: [] }, ({ x }) => ({ r: debias(x.min(0.999).max(0.5), x.mul(0).add(3)) }));
    const [r] = spans(program, known({ x: { low: 0, high: 1, nan: false } }));
    expect([r?.nan, (r?.low ?? -1) > 0, (r?.high ?? 2) <= 1]).toEqual([false, true, true]);
  });
});
