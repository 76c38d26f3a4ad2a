import { reference } from '@opt/backend-reference';
import { lbfgs } from '@opt/quasi-newton';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { optimizerOn, withOptimizer } from './contract/models.ts';
import { evaluated, objectiveOf, type Problem } from './problem.ts';
import { lbfgs as onArrays } from './questions/plain-lbfgs.ts';

const element = fc.double({ min: -2, max: 2, noNaN: true });
const vector = (n: number): fc.Arbitrary<number[]> => fc.array(element, { minLength: n, maxLength: n });

/** Of 3 variables: convex, curved valleys, and one of which a long step leaves the plain. */
const problems: fc.Arbitrary<Problem> = fc.oneof(
  vector(9).map((B): Problem => {
    const [matrix, shape] = [[...Array(9).keys()], [3, 3]];
    const entry = (i: number): number => B[i] ?? 0;
    // BᵀB + I.
    const data = matrix.map((_, ij) => {
      const [i, j] = [Math.floor(ij / 3), ij % 3];
      return [0, 1, 2].reduce((sum, k) => sum + entry(3 * k + i) * entry(3 * k + j), i === j ? 1 : 0);
    });
    return { kind: 'quadratic', matrix: { shape, data }, vector: { shape: [3], data: [1, -2, 0.5] } };
  }),
  fc.constant<Problem>({ kind: 'rosenbrock' }),
  vector(8).map(
    (data): Problem => ({
      kind: 'logistic',
      inputs: { shape: [4, 2], data },
      labels: { shape: [4], data: [1, -1, 1, -1] },
      l2: 0.01,
    }),
  ),
);

const options = fc.record({
  learningRate: fc.constantFrom(0.01, 0.3, 1, 5, 30),
  maxIter: fc.integer({ min: 1, max: 4 }),
  maxEval: fc.option(fc.integer({ min: 1, max: 9 }), { nil: null }),
  toleranceGrad: fc.constantFrom(1e-7, 0.05, 0),
  toleranceChange: fc.constantFrom(1e-9, 0.01),
  historySize: fc.integer({ min: 1, max: 3 }),
  lineSearch: fc.constantFrom('strongWolfe' as const, null),
});

describe('L-BFGS', () => {
  it('makes the steps, the evaluations and the iterations of the loops it is specified by', async () => {
    await fc.assert(
      fc.asyncProperty(problems, options, vector(3), async (problem, { maxEval, ...rest }, start) => {
        const losses = {
          loss: (x: readonly number[]) => evaluated(problem, x).loss,
          gradient: (x: readonly number[]) => evaluated(problem, x).gradient,
        };
        const walk = onArrays(losses, { ...rest, ...(maxEval !== null && { maxEval }) });
        const transform = lbfgs({ ...rest, maxEval });
        await withOptimizer(optimizerOn(reference(), transform, { x: { shape: [3], data: start } }), async (optimizer) => {
          let x: readonly number[] = start;
          let iterations = 0;
          for (let step = 0; step < 4; step++) {
            const now = [...((await optimizer.parameters['x']) ?? [])];
            // Where f is flat to rounding, or beyond all numbers, every rounding has its own way.
            const { gradient, loss } = evaluated(problem, x);
            if (gradient.every((one) => Math.abs(one) < 1e-6) || !(Math.abs(loss) < 1e6)) return;
            const asked = objectiveOf(problem, [['x', 3]], now);
            await optimizer.step(asked.objective);
            x = walk(x);
            const all = ((await optimizer.state['lbfgs.iterations:*']) ?? [])[0] ?? Number.NaN;
            expect([asked.losses.length, all - iterations]).toEqual([walk.evaluations[step], walk.iterations[step]]);
            iterations = all;
            const after = [...((await optimizer.parameters['x']) ?? [])];
            const size = Math.max(1, ...x.map(Math.abs));
            after.forEach((one, i) => void expect(Math.abs(one - (x[i] ?? 0)) / size).toBeLessThan(1e-7));
          }
        });
      }),
      { numRuns: 60, seed: 7 },
    );
  });
});
