import { reference } from '@opt/backend-reference';
import { concat, trace } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../run-program.ts';
import {
  diagonal,
  entry,
  eye,
  largest,
  type Matrix,
  matrix,
  minus,
  orthogonalityError,
  random,
  scaled,
  times,
  transposed,
  withEigenvalues,
} from './dense.ts';
import { expectClose, expectSame, type Harness } from './harness.ts';

const sizes = [1, 2, 3, 4, 5, 8, 17, 33];

/** Symmetric matrices of size n that have broken eigensolvers. */
async function symmetricMatrices(n: number): Promise<[string, Matrix][]> {
  const range = Array.from({ length: n }, (_, i) => i);
  const generic = await withEigenvalues(
    range.map((i) => i - n / 3),
    n,
  );
  return [
    ['generic', generic],
    [
      'graded',
      await withEigenvalues(
        range.map((i) => 10 ** (-i / 2)),
        n + 1,
      ),
    ],
    [
      'clustered',
      await withEigenvalues(
        range.map((i) => (i % 2) + 1 + 1e-9 * i),
        n + 2,
      ),
    ],
    [
      'rank-deficient',
      await withEigenvalues(
        range.map((i) => (i < (n + 1) / 2 ? i + 1 : 0)),
        n + 3,
      ),
    ],
    ['diagonal', diagonal(range.map((i) => (i % 3) - 1))],
    ['scaled by 1e20', scaled(generic, 1e20)],
    ['scaled by 1e-20', scaled(generic, 1e-20)],
    ['ones', matrix(n, n, () => 1)],
  ];
}

export function testFactorizations(harness: Harness): void {
  const tolerance = (): number => harness.tolerance('factorization');
  const rounded = (a: Matrix): Matrix => ({ ...a, data: a.data.map((x) => harness.round(x)) });

  async function eigh(a: Matrix): Promise<{ values: Float64Array; vectors: Matrix }> {
    const n = a.rows;
    const program = trace({ A: [n, n] }, ({ A }) => A.eigh());
    const { values, vectors } = await runProgram(harness.backend, program, { A: a });
    return { values: values ?? new Float64Array(0), vectors: { rows: n, columns: n, data: vectors ?? new Float64Array(0) } };
  }

  async function orthonormalize(x: Matrix, deficient: 'zero' | 'complete'): Promise<{ Q: Matrix; truth: Matrix }> {
    const program = trace({ X: [x.rows, x.columns] }, ({ X }) => ({ Q: X.orthonormalize(deficient) }));
    const run = async (backend: typeof harness.backend): Promise<Matrix> => {
      const { Q } = await runProgram(backend, program, { X: x });
      return { ...x, data: Q ?? new Float64Array(0) };
    };
    return { Q: await run(harness.backend), truth: await run(reference()) };
  }

  describe('eigh', () => {
    it.each(sizes)('size %i: AV = VΛ, VᵀV = I, values ascending', async (n) => {
      for (const [name, exact] of await symmetricMatrices(n)) {
        const A = rounded(exact);
        const { values, vectors: V } = await eigh(A);
        const residual = minus(times(A, V), times(V, diagonal(Array.from(values))));
        expect(largest(residual) / Math.max(largest(A), 1e-300), `${name} ${n}: ‖AV − VΛ‖/‖A‖`).toBeLessThanOrEqual(tolerance());
        expect(orthogonalityError(V), `${name} ${n}: ‖VᵀV − I‖`).toBeLessThanOrEqual(tolerance());
        expect(Array.from(values), `${name} ${n}: order`).toEqual(Array.from(values).sort((x, y) => x - y));
      }
    });

    it('0 has eigenvalues 0 and the identity for eigenvectors, exactly; so does the identity', async () => {
      for (const n of [1, 2, 5, 17]) {
        const zero = await eigh(matrix(n, n, () => 0));
        expectClose(harness, 'values of 0', zero.values, new Float64Array(n), 0);
        expectClose(harness, 'vectors of 0', zero.vectors.data, eye(n).data, 0);
        const one = await eigh(eye(n));
        expectClose(harness, 'values of I', one.values, new Float64Array(n).fill(1), tolerance());
        expect(orthogonalityError(one.vectors), 'vectors of I').toBeLessThanOrEqual(tolerance());
      }
    });

    it('reads the symmetric part', async () => {
      const X = random(7, 7, 3);
      const symmetric = matrix(7, 7, (i, j) => (entry(X, i, j) + entry(X, j, i)) / 2);
      const [whole, part] = [await eigh(rounded(X)), await eigh(rounded(symmetric))];
      expectClose(harness, 'eigenvalues', whole.values, part.values, tolerance(), { by: 'largest' });
    });

    it('ends on NaN and infinities, with NaN', async () => {
      for (const poison of [Number.NaN, Infinity]) {
        const X = matrix(5, 5, (i, j) => (i === 2 && j === 2 ? poison : i + j));
        const { values, vectors } = await eigh(X);
        expectSame('values', values, new Float64Array(5).fill(Number.NaN));
        expectSame('vectors', vectors.data, new Float64Array(25).fill(Number.NaN));
      }
    });

    it('batches, each with its own scale', async () => {
      const parts = [
        scaled(await withEigenvalues([1, 2, 3, 4, 5], 1), 1e-10),
        matrix(5, 5, () => 0),
        await withEigenvalues([-3, 1, 1, 1, 9], 2),
      ];
      const program = trace({ A: [3, 5, 5] }, ({ A }) => A.eigh());
      const A = { data: parts.flatMap((part) => Array.from(rounded(part).data)) };
      const { values, vectors } = await runProgram(harness.backend, program, { A });
      for (const [b, part] of parts.entries()) {
        const own = rounded(part);
        const V: Matrix = { rows: 5, columns: 5, data: vectors?.slice(25 * b, 25 * (b + 1)) ?? new Float64Array(25) };
        const lambda = Array.from(values?.slice(5 * b, 5 * (b + 1)) ?? []);
        const residual = largest(minus(times(own, V), times(V, diagonal(lambda))));
        expect(residual / Math.max(largest(own), 1e-300), `batch ${b}`).toBeLessThanOrEqual(tolerance());
        expect(orthogonalityError(V), `batch ${b}`).toBeLessThanOrEqual(tolerance());
      }
    });

    it('in wide precision, and of a computed matrix', async () => {
      const program = trace({ X: [6, 4] }, ({ X }) => {
        const { values, vectors } = X.matmul(X, { transposeB: true }).wide().eigh();
        return { rebuilt: vectors.mul(values).matmul(vectors, { transposeB: true }).working(), gram: X.matmul(X, { transposeB: true }) };
      });
      const { rebuilt, gram } = await runProgram(harness.backend, program, { X: rounded(random(6, 4, 5)) });
      expectClose(harness, 'VΛVᵀ', rebuilt ?? [], gram ?? [], tolerance(), { by: 'largest' });
    });
  });

  describe('orthonormalize', () => {
    const shapes = [
      [1, 1],
      [2, 2],
      [5, 1],
      [5, 3],
      [8, 8],
      [17, 9],
      [33, 33],
    ] as const;

    it.each(shapes)('[%i, %i]: the Q of a QR with positive diagonal', async (m, n) => {
      // Well conditioned, so that Q itself is determined.
      const noise = random(m, n, m + n);
      const X = rounded(matrix(m, n, (i, j) => (i === j ? 3 * Math.sqrt(m) : 0) + entry(noise, i, j)));
      for (const deficient of ['zero', 'complete'] as const) {
        const { Q, truth } = await orthonormalize(X, deficient);
        expect(orthogonalityError(Q)).toBeLessThanOrEqual(tolerance());
        expectClose(harness, 'Q', Q.data, truth.data, tolerance(), { by: 'largest' });
        const large = await orthonormalize(rounded(scaled(X, 1e15)), deficient);
        expectClose(harness, 'Q of 10¹⁵X', large.Q.data, large.truth.data, tolerance(), { by: 'largest' });
        const small = await orthonormalize(rounded(scaled(X, 1e-25)), deficient);
        expectClose(harness, 'Q of 10⁻²⁵X', small.Q.data, small.truth.data, tolerance(), { by: 'largest' });
      }
    });

    it('graded columns: orthogonal, and R triangular', async () => {
      const X = rounded(matrix(9, 6, (i, j) => entry(random(9, 6, 4), i, j) * 10 ** (-j / 2)));
      const { Q } = await orthonormalize(X, 'complete');
      expect(orthogonalityError(Q)).toBeLessThanOrEqual(tolerance());
      const R = times(transposed(Q), X);
      for (let i = 0; i < 6; i++) {
        for (let j = 0; j < i; j++) expect(Math.abs(entry(R, i, j)) / largest(X), `R[${i}, ${j}]`).toBeLessThanOrEqual(tolerance());
        expect(entry(R, i, i), `R[${i}, ${i}]`).toBeGreaterThan(0);
      }
    });

    it('dependent columns are deferred: zero, or completed by unit vectors', async () => {
      const base = random(7, 3, 6);
      // Columns 1, 3 and 4 depend on earlier ones.
      const X = rounded(
        matrix(7, 6, (i, j) => {
          const [a, b, c] = [0, 1, 2].map((k) => entry(base, i, k));
          return [a, 2 * (a ?? 0), b, (a ?? 0) - (b ?? 0), 0, c][j] ?? 0;
        }),
      );
      const zero = await orthonormalize(X, 'zero');
      expect(orthogonalityError(zero.Q, [1, 0, 1, 0, 0, 1])).toBeLessThanOrEqual(tolerance());
      for (const j of [1, 3, 4]) for (let i = 0; i < 7; i++) expect(entry(zero.Q, i, j), `deferred column ${j}`).toBe(0);
      const complete = await orthonormalize(X, 'complete');
      expect(orthogonalityError(complete.Q)).toBeLessThanOrEqual(tolerance());
      expectClose(harness, 'completed', complete.Q.data, complete.truth.data, 10 * tolerance(), { by: 'largest' });
    });

    it('0 is completed to the identity, and masked to 0', async () => {
      for (const [m, n] of [
        [1, 1],
        [3, 3],
        [5, 2],
        [17, 17],
      ] as const) {
        const X = matrix(m, n, () => 0);
        expectClose(harness, 'complete', (await orthonormalize(X, 'complete')).Q.data, matrix(m, n, (i, j) => (i === j ? 1 : 0)).data, 0);
        expectClose(harness, 'zero', (await orthonormalize(X, 'zero')).Q.data, X.data, 0);
      }
    });

    it('fewer rows than columns: the rest is 0', async () => {
      const { Q } = await orthonormalize(rounded(random(3, 5, 8)), 'zero');
      expect(orthogonalityError(Q, [1, 1, 1, 0, 0])).toBeLessThanOrEqual(tolerance());
    });

    it('NaN gives NaN', async () => {
      const { Q } = await orthonormalize(
        matrix(4, 4, (i, j) => (i === 1 && j === 2 ? Number.NaN : i - j)),
        'complete',
      );
      expect(Array.from(Q.data).every(Number.isNaN)).toBe(true);
    });

    it('batches', async () => {
      const program = trace({ a: [4, 4], b: [4, 4] }, ({ a, b }) => ({
        together: concat([a.reshape([1, 4, 4]), b.reshape([1, 4, 4])]).orthonormalize('complete'),
        apart: concat([a.orthonormalize('complete').reshape([1, 4, 4]), b.orthonormalize('complete').reshape([1, 4, 4])]),
      }));
      const { together, apart } = await runProgram(harness.backend, program, { a: rounded(random(4, 4, 1)), b: scaled(eye(4), 1e-12) });
      expectClose(harness, 'batch', together ?? [], apart ?? [], tolerance(), { by: 'largest' });
    });
  });

  describe('cholesky and solveTriangular', () => {
    async function cholesky(a: Matrix): Promise<Matrix> {
      const program = trace({ A: [a.rows, a.rows] }, ({ A }) => ({ L: A.cholesky() }));
      const { L } = await runProgram(harness.backend, program, { A: a });
      return { ...a, data: L ?? new Float64Array(0) };
    }

    it.each(sizes)('size %i: LLᵀ = A, L lower', async (n) => {
      const range = Array.from({ length: n }, (_, i) => i);
      const generic = await withEigenvalues(
        range.map((i) => 1 + i),
        n,
      );
      const graded = await withEigenvalues(
        range.map((i) => 10 ** (-i / n)),
        n,
      );
      for (const exact of [generic, graded, eye(n), scaled(generic, 1e20), scaled(generic, 1e-20)]) {
        const A = rounded(exact);
        const L = await cholesky(A);
        expect(largest(minus(times(L, transposed(L)), A)) / largest(A)).toBeLessThanOrEqual(tolerance());
        for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) expect(entry(L, i, j), 'above the diagonal').toBe(0);
      }
    });

    it('NaN where the matrix is not positive definite, or NaN', async () => {
      const indefinite = await withEigenvalues([-1, 1, 2, 3], 1);
      for (const A of [indefinite, matrix(3, 3, () => 0), scaled(eye(3), -1), scaled(eye(3), Number.NaN)]) {
        expect(Array.from((await cholesky(rounded(A))).data).every(Number.isNaN)).toBe(true);
      }
    });

    it.each(sizes)('size %i: triangular solves', async (n) => {
      const noise = random(n, n, n);
      // What stands above the diagonal must not be read.
      const L = rounded(matrix(n, n, (i, j) => (i === j ? 2 + Math.abs(entry(noise, i, j)) : entry(noise, i, j) / n)));
      const lower = matrix(n, n, (i, j) => (j <= i ? entry(L, i, j) : 0));
      for (const columns of [1, 3, 8]) {
        const B = rounded(random(n, columns, columns));
        const program = trace({ L: [n, n], B: [n, columns] }, (t) => ({
          forward: t.L.solveTriangular(t.B),
          backward: t.L.solveTriangular(t.B, { transpose: true }),
        }));
        const { forward, backward } = await runProgram(harness.backend, program, { L, B });
        const solution = (data: Float64Array | undefined): Matrix => ({ ...B, data: data ?? new Float64Array(0) });
        expect(largest(minus(times(lower, solution(forward)), B))).toBeLessThanOrEqual(10 * tolerance());
        expect(largest(minus(times(transposed(lower), solution(backward)), B))).toBeLessThanOrEqual(10 * tolerance());
      }
    });

    it('batches, and a positive definite system solved', async () => {
      const A = await withEigenvalues([1, 2, 3, 4, 5], 3);
      const program = trace({ A: [2, 5, 5], B: [2, 5, 2] }, (t) => {
        const L = t.A.cholesky();
        return { X: L.solveTriangular(L.solveTriangular(t.B), { transpose: true }) };
      });
      const second = scaled(A, 3);
      const B = rounded(random(10, 2, 1));
      const { X } = await runProgram(harness.backend, program, { A: { data: [...rounded(A).data, ...rounded(second).data] }, B });
      for (const [b, part] of [A, second].entries()) {
        const own: Matrix = { rows: 5, columns: 2, data: X?.slice(10 * b, 10 * (b + 1)) ?? new Float64Array(0) };
        const right: Matrix = { rows: 5, columns: 2, data: B.data.slice(10 * b, 10 * (b + 1)) };
        expect(largest(minus(times(rounded(part), own), right))).toBeLessThanOrEqual(10 * tolerance());
      }
    });
  });
}
