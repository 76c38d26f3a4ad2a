import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Linalg, MatmulOptions, MatmulSize } from './index.ts';
import { distance, normals, precisions, product, type Real, transposed, variants } from './testing/oracle.ts';

/** One call for either precision: the overloads are apart so that nobody mixes them. */
const multiply = (la: Linalg, a: Real, b: Real, size: MatmulSize, { add, ...rest }: MatmulOptions<Real> = {}): Real => {
  if (a instanceof Float32Array && b instanceof Float32Array)
    return la.matmul(a, b, size, add instanceof Float32Array ? { ...rest, add } : rest);
  if (a instanceof Float64Array && b instanceof Float64Array)
    return la.matmul(a, b, size, add instanceof Float64Array ? { ...rest, add } : rest);
  throw new TypeError('mixed precisions');
};

const flags = [false, true];

describe.each(variants)('matmul, %s', (_, la) => {
  describe.each(precisions)('$name', ({ epsilon, make }) => {
    const check = (m: number, n: number, k: number, transposeA: boolean, transposeB: boolean, alpha: number, beta: number): void => {
      const a = make(normals(m * 31 + k, m * k));
      const b = make(normals(n * 17 + k, k * n));
      const add = make(normals(m + n, m * n));
      const plain = product(m, n, k, transposeA ? transposed(k, m, a) : a, transposeB ? transposed(n, k, b) : b);
      const expected = plain.map((x, i) => alpha * x + beta * (add[i] ?? 0));
      const c = multiply(la, a, b, { m, n, k }, { transposeA, transposeB, alpha, beta, add });
      expect(distance(c, expected), `${m}×${k}×${n}`).toBeLessThanOrEqual(40 * (k + 1) * epsilon);
    };

    test('every size up to 33 and around 64 and 128, in all four transpositions', () => {
      for (const n of [...Array.from({ length: 33 }, (_, i) => i + 1), 63, 64, 65, 129]) {
        for (const transposeA of flags) for (const transposeB of flags) check(n, n, n, transposeA, transposeB, 1, 0);
      }
    });

    test('sizes across the borders of the cache blocks', () => {
      for (const [m, n, k] of [
        [130, 40, 300],
        [5, 530, 3],
        [3, 9, 513],
        [131, 515, 257],
        [9, 64, 5],
        [32, 56, 9],
      ] as const) {
        for (const transposeA of flags) for (const transposeB of flags) check(m, n, k, transposeA, transposeB, 1, 0);
      }
    });

    test('any shape, scaled and added', () => {
      const size = fc.integer({ min: 1, max: 70 });
      const factor = fc.constantFrom(0, 1, -1, 0.5, 2);
      fc.assert(fc.property(size, size, size, fc.boolean(), fc.boolean(), factor, factor, check), { numRuns: 150, seed: 20261201 });
    });

    test('nothing to sum over leaves β·C', () => {
      const add = make([1, 2, 3, 4, 5, 6]);
      expect([...multiply(la, make([]), make([]), { m: 2, n: 3, k: 0 }, { add, beta: 2 })]).toEqual([2, 4, 6, 8, 10, 12]);
      expect([...multiply(la, make([]), make([]), { m: 2, n: 3, k: 0 })]).toEqual([0, 0, 0, 0, 0, 0]);
      expect(multiply(la, make([]), make([1, 2]), { m: 0, n: 2, k: 1 }).length).toBe(0);
    });

    test('a batch, with one operand shared', () => {
      const [m, n, k, batch] = [5, 9, 7, 4];
      const a = make(normals(1, batch * m * k));
      const b = make(normals(2, k * n));
      const c = multiply(la, a, b, { m, n, k, batch });
      for (let i = 0; i < batch; i++) {
        const expected = product(m, n, k, a.subarray(i * m * k, (i + 1) * m * k), b);
        expect(distance(c.subarray(i * m * n, (i + 1) * m * n), expected)).toBeLessThanOrEqual(40 * k * epsilon);
      }
    });

    test('a symmetric result is computed once and exactly symmetric', () => {
      for (const n of [1, 2, 3, 4, 5, 15, 16, 33, 64, 65, 129, 200]) {
        const k = 37;
        const x = make(normals(n, n * k));
        const add = make(product(n, n, n, normals(n, n * n), normals(n, n * n)).map((_, i) => Math.min(i % n, Math.floor(i / n))));
        const c = multiply(la, x, x, { m: n, n, k }, { transposeB: true, symmetric: true, alpha: 0.5, beta: 2, add });
        const expected = product(n, n, k, x, transposed(n, k, x)).map((v, i) => 0.5 * v + 2 * (add[i] ?? 0));
        expect(distance(c, expected)).toBeLessThanOrEqual(40 * (k + n) * epsilon);
        expect(distance(c, transposed(n, n, c))).toBe(0);
      }
    });

    test('β = 0 does not read C', () => {
      const add = make([Number.NaN]);
      expect([...multiply(la, make([2]), make([3]), { m: 1, n: 1, k: 1 }, { add, beta: 0 })]).toEqual([6]);
    });
  });
});
