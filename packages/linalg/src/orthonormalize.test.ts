import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Linalg, Orthonormal, OrthonormalizeOptions } from './index.ts';
import {
  distance,
  identity,
  largest,
  normals,
  orthogonality,
  orthonormalizeByRule,
  precisions,
  product,
  type Real,
  transposed,
  variants,
} from './testing/oracle.ts';

const run = (la: Linalg, x: Real, m: number, n: number, options?: OrthonormalizeOptions): Orthonormal<Real> =>
  x instanceof Float32Array ? la.orthonormalize(x, m, n, options) : la.orthonormalize(x, m, n, options);

/** Integer factors: the product, and with it the rank, is exact in both precisions. */
const ofRank = (m: number, n: number, rank: number, seed: number): Float64Array =>
  product(
    m,
    n,
    rank,
    normals(seed, m * rank).map((x) => Math.round(2 * x)),
    normals(seed + 1, rank * n).map((x) => Math.round(2 * x)),
  );

const shapes = [
  ...Array.from({ length: 33 }, (_, i): [number, number] => [i + 1, i + 1]),
  [7, 3],
  [3, 7],
  [5, 9],
  [40, 33],
  [33, 40],
  [63, 63],
  [64, 64],
  [65, 63],
  [129, 129],
  [129, 64],
  [200, 96],
] as const;

describe.each(variants)('orthonormalize, %s', (_, la) => {
  describe.each(precisions)('$name', ({ epsilon, make }) => {
    test('full rank: X = Q·R, Q orthonormal, R upper with a positive diagonal', () => {
      for (const [m, n] of shapes) {
        if (m < n) continue;
        for (const scale of [1, 1e20, 1e-20]) {
          const x = make(normals(m + n, m * n).map((e) => e * scale));
          const { q, r, deferred } = run(la, x, m, n);
          expect(deferred).toBe(0);
          expect(orthogonality(m, n, q)).toBeLessThanOrEqual(60 * epsilon);
          const rebuilt = product(
            m,
            n,
            n,
            q,
            r.map((e) => e / scale),
          );
          expect(
            distance(
              rebuilt,
              x.map((e) => e / scale),
            ),
          ).toBeLessThanOrEqual(60 * Math.sqrt(m) * epsilon);
          for (let i = 0; i < n; i++) {
            expect(r[i * n + i]).toBeGreaterThan(0);
            for (let j = 0; j < i; j++) expect(r[i * n + j]).toBe(0);
          }
        }
      }
    });

    describe.each(['zero', 'complete'] as const)('deficient: %s', (deficient) => {
      const check = (m: number, n: number, source: Float64Array, tolerance = 1e-6): void => {
        const x = make(source);
        const expected = orthonormalizeByRule(m, n, x, deficient === 'complete', tolerance);
        const { q, r, deferred } = run(la, x, m, n, { deficient, tolerance });
        expect(deferred).toBe(expected.deferred);
        expect(distance(q, expected.q), `${m}×${n}`).toBeLessThanOrEqual((50 * (m + 4) * epsilon) / expected.clearance);
        const size = largest(x) || 1;
        const rebuilt = product(
          m,
          n,
          n,
          q,
          r.map((e) => e / size),
        );
        expect(
          distance(
            rebuilt,
            x.map((e) => e / size),
          ),
        ).toBeLessThanOrEqual(3 * tolerance * Math.sqrt(m));
        if (deficient === 'complete' && m >= n) expect(orthogonality(m, n, q)).toBeLessThanOrEqual(20 * Math.sqrt(m + 9) * epsilon);
      };

      test('dependent columns follow the rule', () => {
        for (const [m, n] of shapes) {
          check(m, n, ofRank(m, n, Math.max(1, Math.min(m, n) >> 1), m * n));
          check(m, n, ofRank(m, n, 1, m + n));
          check(
            m,
            n,
            normals(m * n, m * n).map((e, i) => ((i % n) % 3 === 1 ? 0 : e)),
          );
        }
      });

      test('columns barely above the tolerance beside dependent ones', () => {
        const [m, n] = [90, 80];
        const x = ofRank(m, n, 20, 7);
        const noise = normals(8, m * n);
        // Two thirds of the columns keep a remainder of about 1e-4 of their size, one third none.
        const source = x.map((e, i) => (i % 3 === 0 ? e : e + 1e-3 * (noise[i] ?? 0)));
        const { q } = run(la, make(source), m, n, { deficient });
        const gram = product(n, n, m, transposed(m, n, q), q);
        // Deferred columns are zero in one mode: their place on the diagonal is 0, every other 1.
        const kept = identity(n).map((e, i) => (deficient === 'complete' ? e : e * Math.round(gram[i] ?? 0)));
        expect(distance(gram, kept)).toBeLessThanOrEqual(200 * epsilon);
      });

      test('scaled by 1e20 and 1e-20', () => {
        check(
          12,
          9,
          ofRank(12, 9, 4, 5).map((e) => e * 1e20),
        );
        check(
          12,
          9,
          ofRank(12, 9, 4, 5).map((e) => e * 1e-20),
        );
      });

      test('any shape and rank', () => {
        const size = fc.integer({ min: 1, max: 24 });
        fc.assert(
          fc.property(size, size, size, fc.integer(), (m, n, rank, seed) => check(m, n, ofRank(m, n, rank, seed))),
          { numRuns: 100, seed: 20261201 },
        );
      });

      test('a remainder just below and just above the tolerance', () => {
        const column = [1, 1, 1, 1];
        const build = (rest: number): Float64Array =>
          Float64Array.from({ length: 12 }, (_, i) =>
            i % 3 === 0 ? (column[i / 3] ?? 0) : i % 3 === 1 ? 1 + (i === 1 ? rest : 0) : Number(i > 8),
          );
        // The remainder of (1 + t, 1, 1, 1) after (1, 1, 1, 1) is t·√¾.
        check(4, 3, build(0.008), 0.003);
        check(4, 3, build(0.008), 0.004);
        check(4, 3, build(0.0078), 0.0033);
      });

      test('the identity of orthonormal input', () => {
        expect(distance(run(la, make(identity(20)), 20, 20, { deficient }).q, identity(20))).toBeLessThanOrEqual(epsilon);
      });

      test('zero', () => {
        const { q, r, deferred } = run(la, make(new Float64Array(35)), 7, 5, { deficient });
        expect(deferred).toBe(5);
        const expected = Float64Array.from({ length: 35 }, (_, i) => (deficient === 'complete' && Math.floor(i / 5) === i % 5 ? 1 : 0));
        expect(distance(q, expected)).toBe(0);
        expect(largest(r)).toBe(0);
      });

      test.each([Number.NaN, Number.POSITIVE_INFINITY])('%d gives NaN everywhere', (bad) => {
        const x = make(normals(1, 40 * 35));
        x[777] = bad;
        const { q, r, deferred } = run(la, x, 40, 35, { deficient });
        expect(deferred).toBe(-1);
        expect([...q, ...r].every(Number.isNaN)).toBe(true);
      });
    });

    test('a dependent column is recognised however long the columns', () => {
      const [m, n] = [3000, 12];
      const x = normals(4, m * n);
      for (let i = 0; i < m; i++) x[i * n + 9] = (x[i * n] ?? 0) * 0.5 - (x[i * n + 3] ?? 0);
      // In float32 the sum above is rounded: a tolerance below that would call the column independent, and rightly so.
      const { q, deferred } = run(la, make(x), m, n, { tolerance: 4 * epsilon, deficient: 'complete' });
      expect(deferred).toBe(1);
      expect(orthogonality(m, n, q)).toBeLessThanOrEqual(60 * epsilon);
    });

    test('columns of very different size', () => {
      const n = 48;
      const x = make(normals(9, n * n).map((e, i) => e * 10 ** ((-4 * (i % n)) / n)));
      const { q, deferred } = run(la, x, n, n);
      expect(deferred).toBe(0);
      expect(orthogonality(n, n, q)).toBeLessThanOrEqual(60 * epsilon);
    });
  });

  test('qr keeps columns however small their remainder', () => {
    const x = Float64Array.from([1, 1, 0, 1e-12, 0, 0]);
    const { q, r } = la.qr(x, 3, 2);
    expect(distance(q, [1, 0, 0, 1, 0, 0])).toBeLessThan(1e-12);
    expect(r[3]).toBeCloseTo(1e-12, 18);
  });
});
