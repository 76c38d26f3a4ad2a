import { runProgram } from '@opt/backend-contract';
import { reference } from '@opt/backend-reference';
import { type ExplainedProgram, HostEvaluator, size } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { optimizers } from '../optimizers/optimizers.ts';
import { programsOf } from '../optimizers/programs.ts';
import { evaluator, runner, type Values } from './evaluate.ts';
import { countId, equationsOf, hyperId, inputId } from './statements.ts';
import { lettersOf, symbolsOf } from './symbols.ts';
import { linesOf } from './tex.ts';

const points = 100;

/** mulberry32, so that a point that fails can be looked at again. */
function draws(seed: number): () => number {
  let a = seed | 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Any weights and gradients, states as they can be (averages of squares are not negative, what is symmetric is), any settings. */
function point({ program }: ExplainedProgram, defaults: ReadonlyMap<string, number>, draw: () => number) {
  const inputs: Record<string, { data: Float64Array }> = {};
  for (const { key, shape, node } of program.inputs) {
    const free = key.startsWith('parameter') || key.startsWith('gradient');
    const data = Float64Array.from({ length: size(shape) }, () => (free ? 2 * draw() - 1 : draw()));
    inputs[key] = { data: program.nodes[node]?.symmetric ? gram(data, shape.at(-1) ?? 1) : data };
  }
  const hypers = program.host.hypers.map((address) => {
    const value = defaults.get(address) ?? 0.1;
    return value === 0 ? 0.1 * draw() : value * (0.5 + 0.5 * draw());
  });
  const counts = program.host.counters.map(() => 2 + Math.floor(40 * draw()));
  return { inputs, hypers, counts, call: 7 };
}

/** XXᵀ of a square X, which is a covariance. */
const gram = (x: Float64Array, n: number): Float64Array =>
  x.map((_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let k = 0; k < n; k++) sum += (x[i * n + k] ?? 0) * (x[j * n + k] ?? 0);
    return sum;
  });

const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  const scale = Math.max(1e-3, ...Array.from(b, Math.abs));
  return Math.max(...Array.from(b, (value, i) => Math.abs(value - (a[i] ?? Number.NaN)))) / scale;
};

describe('the equations of', () => {
  it.each(optimizers.map((optimizer) => [optimizer.name, optimizer] as const))(
    `%s are what its programs compute, at ${points} points`,
    async (_, optimizer) => {
      const { explanation, programs } = programsOf(optimizer);
      const defaults = new Map(Object.entries(explanation.hyperparameters).map(([name, value]) => [name, Number(value)]));
      for (const explained of programs) {
        const { program } = explained;
        const { statements, results } = equationsOf(program);
        const run = runner(statements);
        const values = new Map([...results].map(([key, value]) => [key, evaluator(value)]));
        const host = new HostEvaluator(program.host);
        const draw = draws(7);
        const backend = reference();
        let redrawn = 0;
        for (let i = 0; i < points; i++) {
          const { inputs, hypers, counts, call } = point(explained, defaults, draw);
          const expected = await runProgram(backend, program, inputs, Array.from(host.run(hypers, counts, call)));
          const given: Values = new Map([['call', [call]]]);
          for (const [key, { data }] of Object.entries(inputs)) given.set(inputId(key), data);
          hypers.forEach((value, at) => void given.set(hyperId(program.host.hypers[at] ?? ''), [value]));
          counts.forEach((value, at) => void given.set(countId(program.host.counters[at] ?? ''), [value]));
          run(given);
          const own = [...values].map(([key, value]) => [key, Array.from(value(given))] as const);
          // Where something is divided by 0, it is the guards that count, which no equation shows: another point, and few of them.
          if (!own.every(([, value]) => value.every(Number.isFinite))) {
            redrawn += 1;
            i -= 1;
            expect(redrawn, `${program.name}: points that are not finite`).toBeLessThan(points / 10);
            continue;
          }
          for (const [key, value] of own) {
            expect(distance(value, expected[key] ?? []), `${program.name}, point ${i}, ${key}`).toBeLessThan(1e-6);
          }
        }
      }
    },
  );

  it.each(optimizers.map((optimizer) => [optimizer.name, optimizer] as const))('%s have a letter for everything', (_, optimizer) => {
    for (const explained of programsOf(optimizer).programs) {
      const { statements } = equationsOf(explained.program);
      const letters = lettersOf(statements, new Map(symbolsOf(explained).map(({ id, tex }) => [id, tex])));
      for (const { tex } of linesOf(statements, letters)) expect(tex).not.toMatch(/\?|undefined|NaN/);
    }
  });
});
