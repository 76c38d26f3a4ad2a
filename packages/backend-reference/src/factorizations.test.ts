import { describe, expect, it } from 'vitest';
import { cholesky, eigh, orthonormalize, solveTriangular } from './factorizations.ts';

const close = (actual: ArrayLike<number>, expected: readonly number[], digits = 12): void => {
  expect(actual.length).toBe(expected.length);
  expected.forEach((x, i) => {
    expect(actual[i], `entry ${i}`).toBeCloseTo(x, digits);
  });
};
const f = (...values: number[]): Float64Array => Float64Array.from(values);
const r = Math.SQRT1_2;

describe('eigh, by hand', () => {
  it('of [[2, 1], [1, 2]] is 1 and 3 along the diagonals', () => {
    const { values, vectors } = eigh(f(2, 1, 1, 2), 2);
    close(values, [1, 3]);
    close(Array.from(vectors, Math.abs), [r, r, r, r]);
    expect((vectors[0] ?? 0) * (vectors[2] ?? 0)).toBeCloseTo(-0.5, 12);
    expect((vectors[1] ?? 0) * (vectors[3] ?? 0)).toBeCloseTo(0.5, 12);
  });

  it('of a diagonal matrix sorts it', () => {
    const { values, vectors } = eigh(f(3, 0, 0, 0, -1, 0, 0, 0, 2), 3);
    close(values, [-1, 2, 3]);
    close(vectors, [0, 0, 1, 1, 0, 0, 0, 1, 0]);
  });

  it('of 0 is 0 and I, of a number itself', () => {
    expect(eigh(f(0, 0, 0, 0), 2)).toEqual({ values: f(0, 0), vectors: f(1, 0, 0, 1) });
    expect(eigh(f(-7), 1)).toEqual({ values: f(-7), vectors: f(1) });
  });

  it('takes the symmetric part', () => {
    close(eigh(f(2, 2, 0, 2), 2).values, [1, 3]);
  });

  it('of the Hilbert matrix of size 8 has its known extremes', () => {
    const n = 8;
    const { values } = eigh(
      Float64Array.from({ length: n * n }, (_, k) => 1 / (Math.floor(k / n) + (k % n) + 1)),
      n,
    );
    expect(values[n - 1]).toBeCloseTo(1.695938996921949, 12);
    expect(Math.abs((values[0] ?? 0) / 1.1115389663724e-10 - 1)).toBeLessThan(1e-5);
  });

  it('at any scale, and NaN for what is not finite', () => {
    for (const scale of [1e-300, 1e300])
      close(
        Array.from(eigh(f(2 * scale, scale, scale, 2 * scale), 2).values, (x) => x / scale),
        [1, 3],
      );
    for (const poison of [Number.NaN, Infinity]) expect([...eigh(f(1, poison, poison, 1), 2).values]).toEqual([Number.NaN, Number.NaN]);
  });
});

describe('orthonormalize, by hand', () => {
  it('is Gram and Schmidt, left to right', () => {
    close(orthonormalize(f(3, 1, 4, 2), 2, 2, 'complete', 1e-6), [0.6, -0.8, 0.8, 0.6]);
  });

  it('defers what is no longer than τ times the longest column, and completes at the end', () => {
    const X = f(1, 1, 0, 1, 1, 0, 0, 0, 1);
    close(orthonormalize(X, 3, 3, 'zero', 1e-6), [r, 0, 0, r, 0, 0, 0, 0, 1]);
    // e₀ is the first with the most room, and what is left of it.
    close(orthonormalize(X, 3, 3, 'complete', 1e-6), [r, r, 0, r, -r, 0, 0, 0, 1]);
  });

  it('τ is relative to the longest input column, wherever that stands', () => {
    const X = f(1e-7, 0, 0, 1);
    close(orthonormalize(X, 2, 2, 'zero', 1e-6), [0, 0, 0, 1]);
    close(orthonormalize(X, 2, 2, 'zero', 1e-8), [1, 0, 0, 1]);
    // Deferred although it is the first: completed after the second was accepted.
    close(orthonormalize(f(0, 1, 0, 0), 2, 2, 'complete', 1e-6), [0, 1, 1, 0]);
  });

  it('ties in room are broken by position, within 10⁻⁴', () => {
    close(orthonormalize(f(0, 0, 0, 0, 0, 0), 3, 2, 'complete', 1e-6), [1, 0, 0, 1, 0, 0]);
    const tilted = f(0.005, 0, 0, 0, Math.sqrt(1 - 0.005 ** 2), 0);
    const Q = orthonormalize(tilted, 3, 2, 'complete', 1e-6);
    expect(Math.abs(Q[1] ?? 0)).toBeGreaterThan(0.99);
  });

  it('at any scale, and NaN for what is not finite', () => {
    for (const scale of [1e-200, 1e200])
      close(orthonormalize(f(3 * scale, scale, 4 * scale, 2 * scale), 2, 2, 'complete', 1e-6), [0.6, -0.8, 0.8, 0.6]);
    expect([...orthonormalize(f(1, Number.NaN), 2, 1, 'zero', 1e-6)]).toEqual([Number.NaN, Number.NaN]);
  });
});

describe('cholesky and triangular solves, by hand', () => {
  it('of [[4, 2], [2, 5]]', () => {
    expect([...cholesky(f(4, 2, 2, 5), 2)]).toEqual([2, 0, 1, 2]);
  });

  it('NaN unless positive definite', () => {
    for (const A of [f(0, 0, 0, 0), f(1, 2, 2, 1), f(-1, 0, 0, 1), f(1, Number.NaN, Number.NaN, 1)])
      expect([...cholesky(A, 2)].every(Number.isNaN)).toBe(true);
  });

  it('forward and backward, without reading above the diagonal', () => {
    const L = f(2, 99, 1, 4);
    expect([...solveTriangular(L, f(2, 4, 9, 6), 2, 2, false)]).toEqual([1, 2, 2, 1]);
    expect([...solveTriangular(L, f(2, 4, 8, 4), 2, 2, true)]).toEqual([0, 1.5, 2, 1]);
  });

  it('a zero on the diagonal divides by it', () => {
    expect([...solveTriangular(f(0), f(1), 1, 1, false)]).toEqual([Infinity]);
  });
});
