import { describe, expect, it } from 'vitest';
import { cholesky } from './cholesky.ts';
import {
  difference,
  entry,
  joined,
  largest,
  type Matrix,
  part,
  rounded,
  scaled,
  times,
  transposed,
  withEigenvalues,
} from './testing/matrix.ts';
import { missing, run } from './testing/run.ts';

const spectrum = (n: number, value: (i: number) => number): Matrix =>
  withEigenvalues(
    Array.from({ length: n }, (_, i) => value(i)),
    n,
  );

async function factors(parts: readonly Matrix[]): Promise<Matrix[]> {
  const n = parts[0]?.rows ?? 0;
  const data = await run(cholesky({ n, batch: parts.length }), [joined(parts)], parts.length * n * n);
  return parts.map((_, b) => part(data, b, n, n));
}

describe.skipIf(missing)(`cholesky${missing ? `: ${missing}` : ''}`, () => {
  it.each([1, 2, 5, 31, 32, 33, 64, 100, 160])('size %i: LLᵀ = A, L lower', async (n) => {
    const generic = spectrum(n, (i) => 1 + i);
    const graded = spectrum(n, (i) => 10 ** (-i / n));
    const parts = [generic, graded, scaled(generic, 1e20), scaled(generic, 1e-20), scaled(graded, 1e-30)].map(rounded);
    const results = await factors(parts);
    for (const [b, L] of results.entries()) {
      const A = parts[b] ?? L;
      expect(difference(times(L, transposed(L)), A) / largest(A), `matrix ${b}`).toBeLessThanOrEqual(5e-6);
      for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) expect(entry(L, i, j)).toBe(0);
    }
  });

  it.each([3, 40, 64, 70])('size %i: NaN where a matrix is not positive definite or not finite, and nowhere else', async (n) => {
    const good = spectrum(n, (i) => 1 + i);
    const last = rounded(good);
    last.data[n * n - 1] = Number.NaN;
    const first = rounded(good);
    first.data[0] = Number.POSITIVE_INFINITY;
    const corner = rounded(good);
    corner.data[(n - 1) * n] = Number.NaN;
    const bad = [spectrum(n, (i) => i - 0.5), scaled(good, 0), scaled(good, -1), last, first, corner].map(rounded);
    const results = await factors([rounded(good), ...bad, rounded(good)]);
    for (const [b, { data }] of results.entries()) {
      const own = b > 0 && b <= bad.length;
      expect(
        data.every((x) => Number.isNaN(x) === own),
        `matrix ${b}`,
      ).toBe(true);
    }
  });

  it('reads the lower triangle only', async () => {
    const A = rounded(spectrum(45, (i) => 1 + i));
    const half = { ...A, data: A.data.map((x, k) => (k % 45 > Math.floor(k / 45) ? Number.NaN : x)) };
    const [whole, lower] = [await factors([A]), await factors([half])];
    expect(lower).toEqual(whole);
  });
});
