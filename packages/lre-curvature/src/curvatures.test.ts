import { describe, expect, it } from 'vitest';
import * as offered from './index.ts';
import {
  covariance,
  covarianceTimesLoss,
  empiricalFisher,
  fullHutchinsonHessian,
  gaussNewton,
  gradientEma,
  parameters,
  unrolledGaussNewton,
  update,
} from './index.ts';
import { drive } from './testing/drive.ts';

const g = [
  [1, 2, 3],
  [0, -1, 1],
  [2, 0, 0],
  [1, 1, -1],
];
const steps = g.map((gradient) => ({ gradient }));
const everyThird = steps.map((step, t) => ({ ...step, refresh: t % 3 === 0 }));

describe('columns of the steps since the last refresh', () => {
  it('covariance: the gradients, oldest first', () => {
    const [first, , , last] = drive(covariance(), everyThird);
    expect(first?.Y).toEqual([g[0]]);
    expect(last?.Y).toEqual(g.slice(1));
    expect(last?.alpha).toEqual([1, 1, 1]);
    expect(last?.gradient).toEqual(g[3]);
  });

  it('covarianceTimesLoss: g·ℓ first, then g·(ℓ − low), or g·ℓ throughout', () => {
    const losses = [3, 5, 2, 4].map((loss, t) => ({ gradient: g[t] ?? [], loss }));
    const scaled = (factors: number[]): number[][][] => factors.map((f, t) => [(g[t] ?? []).map((x) => x * f)]);
    expect(drive(covarianceTimesLoss(), losses).map(({ Y }) => Y)).toEqual(scaled([3, 2, -1, 2]));
    expect(drive(covarianceTimesLoss({ adaptive: false }), losses).map(({ Y }) => Y)).toEqual(scaled([3, 5, 2, 4]));
    expect(drive(covarianceTimesLoss(), losses).map(({ gradient }) => gradient)).toEqual(g);
  });

  it('gradientEma: m = g first, then an average', () => {
    const [, second] = drive(gradientEma({ beta: 0.5 }), steps);
    expect(second?.Y).toEqual([[0.5, 0.5, 2]]);
  });

  it('parameters: x itself; update: x − x before, and nothing on the first step (D16)', () => {
    const moving = g.map((gradient, t) => ({ gradient, parameter: [t, t * t, 1] }));
    expect(drive(parameters(), moving).map(({ Y }) => Y[0])).toEqual(moving.map(({ parameter }) => parameter));
    const results = drive(update(), moving);
    expect(results.map(({ accepted }) => accepted)).toEqual([false, true, true, true]);
    expect(results.slice(1).map(({ Y }) => Y[0])).toEqual([
      [1, 1, 0],
      [1, 3, 0],
      [1, 5, 0],
    ]);
    const late = drive(
      update(),
      moving.map((step, t) => ({ ...step, refresh: t === 0 || t === 3 })),
    ).at(-1);
    expect(late?.Y).toHaveLength(3);
  });

  it('unrolledGaussNewton: hands on Σ gᵢℓᵢ over the last steps', () => {
    const losses = [1, 2, 3, 4].map((loss, t) => ({ gradient: g[t] ?? [], loss }));
    const [first, second, third] = drive(unrolledGaussNewton({ historySize: 2 }), losses);
    expect(first?.gradient).toEqual([1, 2, 3]);
    expect(second?.gradient).toEqual([1, 0, 5]);
    expect(third?.gradient).toEqual([6, -2, 2]);
    expect(third?.Y).toEqual([g[2]]);
  });
});

describe('curvatures of samples', () => {
  const samples = {
    rows: [
      [1, 0, 2],
      [0, 3, 1],
    ],
    losses: [2, -1],
  };

  it('empiricalFisher: J, and the sum of its rows', () => {
    const [only] = drive(empiricalFisher(), [{ gradient: [9, 9, 9], samples }]);
    expect(only?.Y).toEqual(samples.rows);
    expect(only?.gradient).toEqual([1, 3, 3]);
  });

  it('gaussNewton: J, and Jᵀρ', () => {
    const [only] = drive(gaussNewton(), [{ gradient: [9, 9, 9], samples }]);
    expect(only?.Y).toEqual(samples.rows);
    expect(only?.gradient).toEqual([2, -3, 3]);
  });

  it.each([empiricalFisher(), gaussNewton()])(
    'between refreshes hand on the plain gradient of the step, nothing accumulated (D10)',
    (curvature) => {
      const results = drive(curvature, [
        { gradient: [9, 9, 9], samples },
        ...steps.slice(0, 2).map((step) => ({ ...step, refresh: false })),
      ]);
      expect(results.slice(1).map(({ gradient }) => gradient)).toEqual(g.slice(0, 2));
    },
  );
});

it('fullHutchinsonHessian: Hz and z, the gradient untouched', () => {
  const [only] = drive(fullHutchinsonHessian(), [{ gradient: [1, 2, 3], hvp: (z) => z.map((x, i) => (i + 1) * x) }]);
  expect(only?.z.every((x) => Math.abs(x) === 1)).toBe(true);
  expect(only?.Y[0]).toEqual(only?.z.map((x, i) => (i + 1) * x));
  expect(only?.gradient).toEqual([1, 2, 3]);
});

it('products that are not finite are no correction', () => {
  const [only] = drive(fullHutchinsonHessian(), [{ gradient: [1, 2, 3], hvp: () => [1, Number.NaN, 1] }]);
  expect(only?.accepted).toBe(false);
});

it('does not offer the original’s broken space dilation along gradients (D17)', () => {
  expect(Object.keys(offered).filter((name) => /shor/i.test(name))).toEqual(['shorR']);
});
