import { describe, expect, it } from 'vitest';
import { solveTriangular } from './solve-triangular.ts';
import { difference, entry, joined, type Matrix, matrix, part, random, rounded, times, transposed } from './testing/matrix.ts';
import { missing, run } from './testing/run.ts';

describe.skipIf(missing)(`solveTriangular${missing ? `: ${missing}` : ''}`, () => {
  it.each([
    [1, 1],
    [2, 3],
    [17, 8],
    [32, 32],
    [33, 1],
    [65, 40],
    [130, 33],
  ])('size %i, %i columns: op(L)X = B; nothing above the diagonal is read', async (n, columns) => {
    const full = [1, 2, 3].map((seed) => {
      const noise = random(n, n, seed);
      return rounded(
        matrix(n, n, (i, j) => (i === j ? 2 + Math.abs(entry(noise, i, j)) : i > j ? entry(noise, i, j) / Math.sqrt(n) : Number.NaN)),
      );
    });
    const lower = full.map((L) => matrix(n, n, (i, j) => (j <= i ? entry(L, i, j) : 0)));
    const right = [4, 5, 6].map((seed) => rounded(random(n, columns, seed)));
    for (const transpose of [false, true]) {
      const data = await run(solveTriangular({ n, columns, batch: 3, transpose }), [joined(full), joined(right)], 3 * n * columns);
      for (const [b, B] of right.entries()) {
        const L: Matrix = lower[b] ?? B;
        expect(difference(times(transpose ? transposed(L) : L, part(data, b, n, columns)), B)).toBeLessThanOrEqual(5e-6);
      }
    }
  });
});
