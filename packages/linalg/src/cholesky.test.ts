import { describe, expect, test } from 'vitest';
import type { Linalg } from './index.ts';
import { distance, gramMatrix, identity, normals, precisions, product, type Real, transposed, variants } from './testing/oracle.ts';

const factor = (la: Linalg, a: Real, n: number): Real => (a instanceof Float32Array ? la.cholesky(a, n) : la.cholesky(a, n));

const solve = (la: Linalg, l: Real, b: Real, n: number, r: number, transpose: boolean): Real => {
  if (l instanceof Float32Array && b instanceof Float32Array) return la.solveTriangular(l, b, n, r, { transpose });
  if (l instanceof Float64Array && b instanceof Float64Array) return la.solveTriangular(l, b, n, r, { transpose });
  throw new TypeError('mixed precisions');
};

const positive = (n: number): Float64Array => gramMatrix(n, n + 3, n).map((x, i) => x + (i % (n + 1) === 0 ? 0.5 : 0));

const sizes = [...Array.from({ length: 33 }, (_, i) => i + 1), 63, 64, 65, 129];

describe.each(variants)('cholesky and solveTriangular, %s', (_, la) => {
  describe.each(precisions)('$name', ({ epsilon, make }) => {
    test('L·Lᵀ = A, L lower triangular; only the lower triangle of A is read', () => {
      for (const n of sizes) {
        const a = positive(n);
        const l = factor(la, make(a.map((x, i) => (i % n > Math.floor(i / n) ? 7 : x))), n);
        expect(distance(product(n, n, n, l, transposed(n, n, l)), a)).toBeLessThanOrEqual(20 * (n + 4) * epsilon);
        expect(l.every((x, i) => i % n <= Math.floor(i / n) || x === 0)).toBe(true);
      }
    });

    test('scaled by 1e20 and 1e-20', () => {
      for (const scale of [1e20, 1e-20]) {
        const l = factor(la, make(positive(40).map((x) => x * scale)), 40).map((x) => x / Math.sqrt(scale));
        expect(distance(product(40, 40, 40, l, transposed(40, 40, l)), positive(40))).toBeLessThanOrEqual(900 * epsilon);
      }
    });

    test('not positive definite, NaN or infinite: NaN everywhere', () => {
      const spoiled = [-1, 0, Number.NaN, Number.POSITIVE_INFINITY];
      for (const n of [1, 5, 40]) {
        for (const bad of spoiled) {
          const a = make(positive(n));
          a[(n - 1) * n + n - 1] = bad;
          expect(factor(la, a, n).every(Number.isNaN)).toBe(true);
        }
      }
      expect(factor(la, make([1, 0, Number.NaN, 1]), 2).every(Number.isNaN)).toBe(true);
    });

    test.each([false, true])('op(L)·X = B, transpose: %s', (transpose) => {
      for (const n of sizes) {
        for (const r of [1, 3, 40]) {
          const l = make(identity(n).map((x, i) => (i % n > Math.floor(i / n) ? 9 : 2 * x + (x ? 0 : Math.sin(i) / n))));
          const lower = Float64Array.from(l, (x, i) => (i % n > Math.floor(i / n) ? 0 : x));
          const b = make(normals(n, n * r));
          const x = solve(la, l, b, n, r, transpose);
          expect(distance(product(n, r, n, transpose ? transposed(n, n, lower) : lower, x), b)).toBeLessThanOrEqual(20 * (n + 4) * epsilon);
        }
      }
    });
  });

  test('gram accumulates in float64', () => {
    for (const [d, k] of [
      [1, 1],
      [3, 5],
      [255, 7],
      [256, 8],
      [1000, 33],
      [0, 4],
    ] as const) {
      const x = Float32Array.from(normals(d, d * k));
      expect(distance(la.gram(x, d, k), product(k, k, d, transposed(d, k, x), x))).toBeLessThanOrEqual(1e-12 * (d + 1));
    }
  });
});
