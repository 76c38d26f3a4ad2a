import { describe, expect, it } from 'vitest';
import {
  diagonal,
  difference,
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
  withEigenvalues,
} from '../testing/matrix.ts';
import { missing, run } from '../testing/run.ts';
import { eigh } from './eigh.ts';

interface Eigen {
  readonly values: number[];
  readonly vectors: Matrix;
}

async function decompose(parts: readonly Matrix[]): Promise<Eigen[]> {
  const n = parts[0]?.rows ?? 0;
  const batch = parts.length;
  const data = await run(eigh({ n, batch }), [joined(parts)], batch * (n + 1) * n);
  return parts.map((_, b) => ({ values: Array.from(data.subarray(b * n, b * n + n)), vectors: part(data, b, n, n, batch * n) }));
}

const spectrum = (n: number, seed: number, value: (i: number) => number): Matrix =>
  withEigenvalues(
    Array.from({ length: n }, (_, i) => value(i)),
    n + seed,
  );

/** Symmetric matrices of size n that have broken eigensolvers. */
function hard(n: number): Record<string, Matrix> {
  const generic = spectrum(n, 0, (i) => i - n / 3);
  return {
    generic,
    graded: spectrum(n, 1, (i) => 10 ** ((-12 * i) / n)),
    clustered: spectrum(n, 2, (i) => (i % 2) + 1 + 1e-9 * i),
    'of rank 5': spectrum(n, 3, (i) => (i < 5 ? i + 1 : 0)),
    'of rank n/2': spectrum(n, 4, (i) => (i % 2 ? i : 0)),
    zero: scaled(generic, 0),
    identity: matrix(n, n, (i, j) => (i === j ? 1 : 0)),
    diagonal: diagonal(Array.from({ length: n }, (_, i) => (i % 3) - 1)),
    ones: matrix(n, n, () => 1),
    'scaled by 1e20': scaled(generic, 1e20),
    'scaled by 1e-20': scaled(generic, 1e-20),
    'scaled by 1e-34': scaled(generic, 1e-34),
    'a Gram matrix of 1e-6': scaled(gram(n, 3 * n), 1e-6),
    'a Gram matrix of low rank': gram(n, Math.ceil(n / 4)),
  };
}

function gram(n: number, k: number): Matrix {
  const X = random(n, k, n + k);
  return times(X, transposed(X));
}

const names = Object.keys(hard(1));

describe.skipIf(missing)(`eigh${missing ? `: ${missing}` : ''}`, () => {
  // Large ones take a device in software long; a few say whether rounds and sweeps suffice.
  it.each([
    [1, names],
    [2, names],
    [3, names],
    [17, names],
    [32, names],
    [33, ['graded', 'clustered', 'of rank 5', 'scaled by 1e-20']],
    [70, ['of rank n/2']],
    [100, ['a Gram matrix of low rank']],
  ] satisfies [number, string[]][])('size %i: AV = VΛ, VᵀV = I, values ascending', async (n, some) => {
    const cases = Object.entries(hard(n)).flatMap(([name, A]) => (some.includes(name) ? [[name, rounded(A)] as const] : []));
    const results = await decompose(cases.map(([, A]) => A));
    expect(results.length).toBe(some.length);
    for (const [b, { values, vectors }] of results.entries()) {
      const [name, A] = cases[b] ?? ['', vectors];
      const residual = difference(times(A, vectors), times(vectors, diagonal(values))) / Math.max(largest(A), 1e-300);
      expect(residual, `${name}: ‖AV − VΛ‖/‖A‖`).toBeLessThanOrEqual(name === 'scaled by 1e-34' ? 1e-3 : 5e-6);
      expect(orthogonalityError(vectors), `${name}: ‖VᵀV − I‖`).toBeLessThanOrEqual(2e-6);
      expect(values, `${name}: order`).toEqual([...values].sort((x, y) => x - y));
    }
  });

  it.each([1, 17, 34])('size %i: 0 gives 0 and the identity, exactly', async (n) => {
    const [{ values, vectors } = { values: [], vectors: diagonal([]) }] = await decompose([diagonal(Array(n).fill(0))]);
    expect(values.every((x) => x === 0)).toBe(true);
    expect(vectors).toEqual(diagonal(Array(n).fill(1)));
  });

  it.each([5, 34])('size %i: the symmetric part counts; NaN and infinities end with NaN, in their own matrix only', async (n) => {
    const X = rounded(random(n, n, 3));
    const symmetric = matrix(n, n, (i, j) => ((X.data[i * n + j] ?? 0) + (X.data[j * n + i] ?? 0)) / 2);
    const poisoned = (x: number, at: number): Matrix => ({ ...X, data: X.data.map((own, k) => (k === at ? x : own)) });
    const results = await decompose([
      X,
      poisoned(Number.NaN, n + 1),
      rounded(symmetric),
      poisoned(Infinity, 1),
      poisoned(-Infinity, n * n - 1),
    ]);
    const [whole, , half] = results;
    expect(difference(diagonal(whole?.values ?? []), diagonal(half?.values ?? []))).toBeLessThanOrEqual(1e-5);
    for (const b of [1, 3, 4]) {
      expect(results[b]?.values.every(Number.isNaN)).toBe(true);
      expect(results[b]?.vectors.data.every(Number.isNaN)).toBe(true);
    }
  });

  it('gives the same bits every time', async () => {
    const A = rounded(gram(34, 50));
    expect(await decompose([A])).toEqual(await decompose([A]));
  });
});
