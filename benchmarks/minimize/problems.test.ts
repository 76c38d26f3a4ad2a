import { minimize } from '@opt/quasi-newton';
import { describe, expect, it } from 'vitest';
import { gradientOf, isSolved, type LeastSquares, lossOf } from './problem.ts';
import { problems } from './problems.ts';

const named = problems.map((problem): [string, LeastSquares] => [problem.name, problem]);

it('they are 18', () => {
  expect(new Set(problems.map(({ name }) => name)).size).toBe(18);
});

describe.each(named)('%s', (_, problem) => {
  it('its gradient is that of differences', () => {
    // Not the starting point itself, where some derivatives vanish.
    const x = problem.start.map((one, i) => one + 0.05 * Math.cos(i + 1));
    const size = Math.max(...gradientOf(problem, x).map(Math.abs));
    gradientOf(problem, x).forEach((g, i) => {
      const h = 1e-5 * Math.max(1, Math.abs(x[i] ?? 0));
      const at = (by: number): number =>
        lossOf(
          problem,
          x.map((one, j) => (i === j ? one + by : one)),
        );
      const difference = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
      const rounding = (10 * Number.EPSILON * lossOf(problem, x)) / h;
      expect(Math.abs(g - difference)).toBeLessThan(1e-7 * size + rounding);
    });
  });

  it('minimize comes to a known minimum', () => {
    const { fun, x, jac, evaluations, gradientEvaluations } = minimize((at) => lossOf(problem, at), problem.start, {
      jac: (at) => gradientOf(problem, at),
      gtol: 1e-8,
      ftol: 0,
      historySize: 20,
    });
    expect({ solved: isSolved(problem, fun), fun }).toEqual({ solved: true, fun });
    expect(fun).toBe(lossOf(problem, x));
    expect([...jac]).toEqual(gradientOf(problem, x));
    expect(evaluations).toBe(gradientEvaluations);
  });
});
