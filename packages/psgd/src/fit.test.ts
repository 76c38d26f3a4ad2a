import { describe, expect, it } from 'vitest';
import { balanced, fitted, spectralNorm } from './fit.ts';
import { type Given, run } from './testing/run.ts';

const epsilon = 2 ** -52;
const numbers = (seed: number, count: number): number[] => Array.from({ length: count }, (_, i) => Math.sin(seed + 1.7 * i + 0.3 * i * i));
const tensor = (shape: readonly number[], data: readonly number[]): Given => ({ shape, data });
const largest = (data: readonly number[]): number => Math.max(...data.map(Math.abs));

/** One fit of a 2 × 3 matrix by hand, its first factor triangular, its second diagonal. */
function byHand(X: number[], V: number[], Q: number[], q: number[], mu: number): { Q: number[]; q: number[] } {
  const at = (M: readonly number[], i: number): number => M[i] ?? Number.NaN;
  const size = X.reduce((sum, x) => sum + Math.abs(x), 0) / 6;
  const noisy = X.map((x, i) => x + 2 ** -11.5 * size * at(V, i));
  const [a, b, d] = [at(Q, 0), at(Q, 1), at(Q, 3)];
  const [A, B] = [Array<number>(6).fill(0), Array<number>(6).fill(0)];
  for (let j = 0; j < 3; j++) {
    A[j] = (a * at(noisy, j) + b * at(noisy, 3 + j)) * at(q, j);
    A[3 + j] = d * at(noisy, 3 + j) * at(q, j);
    // Q⁻ᵀ is lower triangular: 1/a, −b/(ad), 1/d.
    B[j] = at(V, j) / a / at(q, j);
    B[3 + j] = ((-b / (a * d)) * at(V, j) + at(V, 3 + j) / d) / at(q, j);
  }
  const gram = (M: readonly number[], r: number, s: number): number =>
    [0, 1, 2].reduce((sum, j) => sum + at(M, 3 * r + j) * at(M, 3 * s + j), 0);
  const [p, s, t] = (
    [
      [0, 0],
      [0, 1],
      [1, 1],
    ] as const
  ).map(([r, c]) => gram(A, r, c) - gram(B, r, c));
  const [P, S, T] = (
    [
      [0, 0],
      [0, 1],
      [1, 1],
    ] as const
  ).map(([r, c]) => gram(A, r, c) + gram(B, r, c));
  const [u, v, w] = [P ?? 0, S ?? 0, T ?? 0];
  const column = u * u + v * v >= v * v + w * w ? [u, v] : [v, w];
  const y = [at(column, 0) * u + at(column, 1) * v, at(column, 0) * v + at(column, 1) * w];
  const x = y.map((one) => one / Math.hypot(...y));
  const bound = Math.hypot(at(x, 0) * u + at(x, 1) * v, at(x, 0) * v + at(x, 1) * w);
  const c = mu / bound;
  const columnSums = (sign: number): number[] =>
    [0, 1, 2].map((j) => at(A, j) ** 2 + at(A, 3 + j) ** 2 + sign * (at(B, j) ** 2 + at(B, 3 + j) ** 2));
  const most = largest(columnSums(1));
  return {
    Q: [a - c * (p ?? 0) * a, b - c * ((p ?? 0) * b + (s ?? 0) * d), 0, d - c * (t ?? 0) * d],
    q: q.map((one, j) => one - (mu / most) * at(columnSums(-1), j) * one),
  };
}

describe('a fit', () => {
  const [X, V] = [numbers(1, 6), numbers(2, 6)];
  const [Q, q] = [
    [1.5, 0.4, 0, -0.7],
    [0.5, 2, 1.2],
  ];
  const fit = (x: number[], noise: number[], mu = 0.3) =>
    run({ X: tensor([2, 3], x), V: tensor([2, 3], noise), Q: tensor([2, 2], Q), q: tensor([3], q), mu: tensor([], [mu]) }, (given) => {
      const { factors, noisy } = fitted(given.X, [given.Q, given.q], given.V, { rate: given.mu, epsilon });
      const [first, second] = factors;
      return { noisy, Q: first ?? noisy, q: second ?? noisy };
    });

  it('is its formula, from the old factors on both sides', () => {
    const [received, expected] = [fit(X, V), byHand(X, V, Q, q, 0.3)];
    expect(largest((received['Q'] ?? []).map((x, i) => x - (expected.Q[i] ?? Number.NaN)))).toBeLessThan(1e-14);
    expect(largest((received['q'] ?? []).map((x, i) => x - (expected.q[i] ?? Number.NaN)))).toBeLessThan(1e-14);
    expect(received['Q']?.[2]).toBe(0);
  });

  it('to zeros lets the factors grow, by 1 + μ at most where they are diagonal', () => {
    const grown = fit(Array<number>(6).fill(0), V, 0.1)['q'] ?? [];
    for (const [j, x] of grown.entries()) {
      expect(x / (q[j] ?? 0)).toBeGreaterThan(1);
      expect(x / (q[j] ?? 0)).toBeLessThanOrEqual(1.1 + 1e-12);
    }
  });

  it('that would leave a factor without numbers leaves it as it was', () => {
    const received = fit(
      X,
      V.map((v) => v * 1e200),
    );
    expect(received['Q']).toEqual(Q);
    expect(received['q']).toEqual(q);
  });
});

describe('the estimate of a spectral norm', () => {
  const of = (n: number, data: readonly number[]): number =>
    run({ T: tensor([n, n], data) }, ({ T }) => ({ norm: spectralNorm(T) }))['norm']?.[0] ?? Number.NaN;

  it('is exact where the longest column is an eigenvector, and 0 for 0', () => {
    expect(of(3, [2, 0, 0, 0, -5, 0, 0, 0, 1])).toBeCloseTo(5, 14);
    expect(of(2, [0, 0, 0, 0])).toBe(0);
  });

  it('is below, by one power step from the longest column, the first of equals', () => {
    // Columns (1, 2) and (2, 1) are equally long: t = (1, 2), tT = (5, 4), T(5, 4)/√41 = (13, 14)/√41.
    expect(of(2, [1, 2, 2, 1])).toBeCloseTo(Math.sqrt((13 ** 2 + 14 ** 2) / 41), 14);
    expect(of(2, [1, 2, 2, 1])).toBeLessThan(3);
  });

  it('neither overflows nor vanishes', () => {
    expect(of(2, [1e200, 0, 0, 0]) / 1e200).toBeCloseTo(1, 14);
    expect(of(2, [0, 0, 0, 1e-200]) / 1e-200).toBeCloseTo(1, 14);
  });
});

it('balanced factors have equal largest entries and the same product', () => {
  const [Q, q, r] = [
    [4, -8, 0, 2],
    [0.5, 0.25, -0.1],
    [3, 1],
  ];
  const after = run({ Q: tensor([2, 2], Q), q: tensor([3], q), r: tensor([2], r) }, (given) => {
    const [a = given.Q, b = given.q, c = given.r] = balanced([given.Q, given.q, given.r]);
    return { a, b, c };
  });
  const [a = [], b = [], c = []] = [after['a'], after['b'], after['c']];
  const geometricMean = (8 * 0.5 * 3) ** (1 / 3);
  for (const data of [a, b, c]) expect(largest(data)).toBeCloseTo(geometricMean, 13);
  for (const [i, x] of Q.entries())
    for (const [j, y] of q.entries())
      for (const [k, z] of r.entries()) expect((a[i] ?? 0) * (b[j] ?? 0) * (c[k] ?? 0)).toBeCloseTo(x * y * z, 12);
});
