import { runProgram } from '@opt/backend-contract';
import { reference } from '@opt/backend-reference';
import { trace } from '@opt/core';
import { describe, expect, it } from 'vitest';
import {
  difference,
  entry,
  joined,
  largest,
  type Matrix,
  matrix,
  orthogonalityError,
  part,
  random,
  rounded,
  scaled,
  times,
  transposed,
} from '../testing/matrix.ts';
import { missing, run } from '../testing/run.ts';
import { orthonormalize } from './orthonormalize.ts';

type Deficient = 'zero' | 'complete';

async function columnsOf(parts: readonly Matrix[], deficient: Deficient, tolerance = 1e-6): Promise<Matrix[]> {
  const [{ rows, columns } = { rows: 0, columns: 0 }] = parts;
  const size = { rows, columns, batch: parts.length, deficient, tolerance };
  const data = await run(orthonormalize(size), [joined(parts)], parts.length * rows * columns);
  return parts.map((_, b) => part(data, b, rows, columns));
}

async function truth(X: Matrix, deficient: Deficient): Promise<Matrix> {
  const program = trace({ X: [X.rows, X.columns] }, (t) => ({ Q: t.X.orthonormalize(deficient) }));
  const { Q } = await runProgram(reference(), program, { X });
  return { ...X, data: Q ?? new Float64Array(0) };
}

/** Well conditioned, so that Q itself is determined. */
const regular = (m: number, n: number): Matrix => {
  const noise = random(m, n, m + n);
  return rounded(matrix(m, n, (i, j) => (i === j ? 3 * Math.sqrt(m) : 0) + entry(noise, i, j)));
};

/** Columns 2, 5, 8, … are combinations of those before them, columns 7, 17, … are 0. */
function dependent(m: number, n: number): { X: Matrix; mask: number[] } {
  const X = random(m, n, m * n);
  const mask = Array.from({ length: n }, (_, j) => (j % 3 === 2 || j % 10 === 7 ? 0 : 1));
  mask.forEach((kept, j) => {
    if (kept === 1) return;
    for (let i = 0; i < m; i++) X.data[i * n + j] = j % 10 === 7 ? 0 : entry(X, i, j - 1) - 2 * entry(X, i, (j * 5) % j);
  });
  return { X: rounded(X), mask };
}

describe.skipIf(missing)(`orthonormalize${missing ? `: ${missing}` : ''}`, () => {
  it.each([
    [1, 1],
    [2, 2],
    [5, 3],
    [17, 9],
    [32, 32],
    [33, 33],
    [70, 33],
    [64, 64],
    [100, 97],
    [1500, 20],
    [300, 129],
  ])('[%i, %i]: the Q of a QR with positive diagonal, whatever the scale', async (m, n) => {
    const X = regular(m, n);
    const expected = await truth(X, 'zero');
    for (const deficient of ['zero', 'complete'] as const) {
      const results = await columnsOf([X, rounded(scaled(X, 1e15)), rounded(scaled(X, 1e-25)), rounded(scaled(X, 2 ** 100))], deficient);
      for (const Q of results) {
        expect(orthogonalityError(Q)).toBeLessThanOrEqual(5e-6);
        expect(difference(Q, expected)).toBeLessThanOrEqual(5e-6);
      }
    }
  });

  it.each([
    [9, 6],
    [64, 40],
    [96, 96],
  ])('[%i, %i] graded columns: orthogonal, and R triangular', async (m, n) => {
    const noise = random(m, n, 4);
    const X = rounded(matrix(m, n, (i, j) => entry(noise, i, j) * 10 ** ((-4 * j) / n)));
    const [Q = X] = await columnsOf([X], 'complete');
    expect(orthogonalityError(Q)).toBeLessThanOrEqual(5e-6);
    const R = times(transposed(Q), X);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < i; j++) expect(Math.abs(entry(R, i, j)) / largest(X), `R[${i}, ${j}]`).toBeLessThanOrEqual(5e-6);
      expect(entry(R, i, i), `R[${i}, ${i}]`).toBeGreaterThan(0);
    }
  });

  it('columns of which nothing but rounding is left: orthogonal all the same', async () => {
    // Singular values down to 10⁻¹⁰ of the largest: what is accepted near the tolerance is half noise.
    const n = 96;
    const [left, right] = [await truth(random(n, n, 1), 'complete'), await truth(random(n, n, 2), 'complete')];
    const X = rounded(
      times(
        matrix(n, n, (i, j) => entry(left, i, j) * 10 ** ((-10 * j) / n)),
        right,
      ),
    );
    for (const tolerance of [1e-6, 1e-8]) {
      const [Q = X] = await columnsOf([X], 'complete', tolerance);
      expect(orthogonalityError(Q)).toBeLessThanOrEqual(5e-6);
    }
  });

  it.each([
    [7, 6],
    [40, 31],
    [80, 70],
    [200, 100],
  ])('[%i, %i]: dependent columns are 0, or completed as the rule says', async (m, n) => {
    const { X, mask } = dependent(m, n);
    const [zero = X] = await columnsOf([X], 'zero');
    expect(orthogonalityError(zero, mask)).toBeLessThanOrEqual(5e-6);
    for (const [j, kept] of mask.entries()) if (kept === 0) for (let i = 0; i < m; i++) expect(entry(zero, i, j)).toBe(0);
    expect(difference(zero, await truth(X, 'zero'))).toBeLessThanOrEqual(2e-4);
    const [complete = X] = await columnsOf([X], 'complete');
    expect(orthogonalityError(complete)).toBeLessThanOrEqual(5e-6);
    expect(difference(complete, await truth(X, 'complete'))).toBeLessThanOrEqual(2e-4);
  });

  it.each([
    [3, 3],
    [5, 2],
    [70, 70],
    [90, 40],
  ])('[%i, %i]: rank 1, 0 and the identity, in one batch with NaN and infinities', async (m, n) => {
    const identity = matrix(m, n, (i, j) => (i === j ? 1 : 0));
    const zero = scaled(identity, 0);
    const one = matrix(m, n, (i, j) => (i + 1) * (j + 1));
    const poisoned = (x: number): Matrix => ({ ...zero, data: zero.data.map((_, k) => (k === m * n - 1 ? x : k)) });
    const parts = [zero, identity, poisoned(Number.NaN), rounded(one), poisoned(Number.NEGATIVE_INFINITY)];
    for (const deficient of ['zero', 'complete'] as const) {
      const results = await columnsOf(parts, deficient);
      expect(results[0]).toEqual(deficient === 'zero' ? zero : identity);
      expect(results[1]).toEqual(identity);
      expect(difference(results[3] ?? zero, await truth(rounded(one), deficient))).toBeLessThanOrEqual(1e-5);
      for (const b of [2, 4]) expect(results[b]?.data.every(Number.isNaN)).toBe(true);
    }
  });

  it('fewer rows than columns: the rest is 0', async () => {
    for (const [m, n] of [
      [3, 5],
      [20, 50],
      [40, 70],
    ] as const) {
      const [Q = random(m, n, 0)] = await columnsOf([rounded(random(m, n, 8))], 'zero');
      expect(
        orthogonalityError(
          Q,
          Array.from({ length: n }, (_, j) => (j < m ? 1 : 0)),
        ),
      ).toBeLessThanOrEqual(5e-6);
    }
  });

  it('gives the same bits every time', async () => {
    const { X } = dependent(80, 70);
    const [first, second] = [await columnsOf([X], 'complete'), await columnsOf([X], 'complete')];
    expect(second).toEqual(first);
  });
});
