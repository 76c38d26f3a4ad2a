import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Eigen, Linalg } from './index.ts';
import {
  distance,
  gramMatrix,
  identity,
  largest,
  normals,
  orthogonality,
  precisions,
  product,
  type Real,
  transposed,
  variants,
} from './testing/oracle.ts';

const decompose = (la: Linalg, a: Real, n: number): Eigen<Real> => (a instanceof Float32Array ? la.eigh(a, n) : la.eigh(a, n));

const tridiagonal = (n: number, diagonal: (i: number) => number, below: (i: number) => number): Float64Array =>
  Float64Array.from({ length: n * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    return i === j ? diagonal(i) : Math.abs(i - j) === 1 ? below(Math.max(i, j)) : 0;
  });

const symmetric = (n: number, seed: number): Float64Array => {
  const x = normals(seed, n * n);
  return x.map((_, at) => x[Math.min(Math.floor(at / n), at % n) * n + Math.max(Math.floor(at / n), at % n)] ?? 0);
};

const hard: Record<string, (n: number) => Float64Array> = {
  indefinite: (n) => symmetric(n, n),
  gram: (n) => gramMatrix(n, n, n),
  'rank 5': (n) => gramMatrix(n, 5, n),
  'rank 1': (n) => new Float64Array(n * n).fill(1),
  'graded down': (n) => gramMatrix(n, n, n, (i) => 10 ** ((-6 * i) / n)),
  'graded up': (n) => gramMatrix(n, n, n, (i) => 10 ** ((-6 * (n - i)) / n)),
  clustered: (n) => gramMatrix(n, 3, n, () => 1e-2).map((x, i) => x + (i % (n + 1) === 0 ? 1 : 0)),
  zero: (n) => new Float64Array(n * n),
  identity,
  diagonal: (n) => identity(n).map((x, i) => x * Math.sin(i)),
  Wilkinson: (n) =>
    tridiagonal(
      n,
      (i) => Math.abs(i - (n - 1) / 2),
      () => 1,
    ), // pairs of eigenvalues equal to the last digit
  'glued Wilkinson': (n) =>
    tridiagonal(
      n,
      (i) => Math.abs((i % 21) - 10),
      (i) => (i % 21 === 0 ? 1e-7 : 1),
    ),
  Laplace: (n) =>
    tridiagonal(
      n,
      () => 2,
      () => -1,
    ),
  'times 1e20': (n) => gramMatrix(n, n, n, () => 1e10),
  'times 1e-20': (n) => gramMatrix(n, n, n, () => 1e-10),
  'times 1e-34': (n) => gramMatrix(n, n, n, () => 1e-17),
};

describe.each(variants)('eigh, %s', (_, la) => {
  describe.each(precisions)('$name', ({ epsilon, make }) => {
    const check = (n: number, source: Float64Array): void => {
      const a = make(source);
      const { values, vectors, status } = decompose(la, a, n);
      expect(status).toBe('ok');
      const size = largest(a) || 1;
      const scaled = vectors.map((v, i) => v * ((values[i % n] ?? 0) / size));
      const rebuilt = product(n, n, n, scaled, transposed(n, n, vectors));
      // The largest element bounds the norm from below; errors grow with the norm, at most n times that.
      expect(
        distance(
          rebuilt,
          a.map((x) => x / size),
        ),
      ).toBeLessThanOrEqual(30 * Math.max(4, n) * epsilon);
      expect(orthogonality(n, n, vectors)).toBeLessThanOrEqual(60 * Math.sqrt(n + 15) * epsilon);
      for (let i = 1; i < n; i++) expect(values[i]).toBeGreaterThanOrEqual(values[i - 1] ?? Number.NaN);
    };

    test('every size up to 33 and around 64 and 128', () => {
      for (const n of [...Array.from({ length: 33 }, (_, i) => i + 1), 63, 64, 65, 129]) check(n, symmetric(n, n));
    });

    test.each(Object.entries(hard))('%s', (_name, matrix) => {
      for (const n of [1, 2, 3, 8, 32, 33, 65, 96, 129]) check(n, matrix(n));
    });

    test('small random matrices with many equal entries', () => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 40 }), fc.integer(), (n, seed) => check(n, symmetric(n, seed).map(Math.round))),
        { numRuns: 60, seed: 20261201 },
      );
    });

    test('zero gives zero and the identity', () => {
      const { values, vectors } = decompose(la, make(new Float64Array(49)), 7);
      expect([...values]).toEqual(Array(7).fill(0));
      expect(distance(vectors, identity(7))).toBe(0);
    });

    test('reads the symmetric part', () => {
      const a = normals(3, 100);
      const half = a.map((x, at) => (x + (a[(at % 10) * 10 + Math.floor(at / 10)] ?? 0)) / 2);
      expect(distance(decompose(la, make(a), 10).values, decompose(la, make(half), 10).values)).toBeLessThanOrEqual(60 * epsilon);
    });

    test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('%d anywhere gives NaN everywhere', (bad) => {
      for (const [n, where] of [
        [1, 0],
        [6, 35],
        [40, 41],
        [129, 129 * 60 + 3],
      ] as const) {
        const a = make(symmetric(n, n));
        a[where] = bad;
        const { values, vectors, status } = decompose(la, a, n);
        expect(status).toBe('not-finite');
        expect([...values, ...vectors].every(Number.isNaN)).toBe(true);
      }
    });
  });
});
