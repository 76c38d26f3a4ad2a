import { describe, expect, it } from 'vitest';
import { type Factorization, factorize } from './factorize.ts';
import { linalg } from './index.ts';

const la = linalg();
const [batch, n, r] = [6, 3, 2];
const noise = (length: number, from: number): Float64Array => Float64Array.from({ length }, (_, i) => Math.sin(7 * i + from));
/** Matrix i of a batch. */
const nth = (all: Float64Array, i: number, length: number): Float64Array => all.slice(i * length, (i + 1) * length);
/** Symmetric and positive definite, one for each of the batch. */
const definite = Float64Array.from(
  Array.from({ length: batch }, (_, i) => {
    const x = noise(n * n, i);
    const ridge = Float64Array.from({ length: n * n }, (_, at) => Number(at % (n + 1) === 0));
    return [...la.matmul(x, x, { m: n, n, k: n }, { transposeA: true, add: ridge })];
  }).flat(),
);
const right = noise(batch * n * r, 2);
const dependent = noise(batch * n * r, 3).map((x, i, all) => (i % r === 1 && i < n * r ? 2 * (all[i - 1] ?? 0) : x));

const cases: Readonly<
  Record<string, { of: Factorization; operands: Float64Array[]; shape: number[]; one: (i: number) => readonly Float64Array[] }>
> = {
  eigh: {
    of: { op: 'eigh' },
    operands: [definite],
    shape: [2, 3, n, n],
    one: (i) => {
      const { values, vectors } = la.eigh(nth(definite, i, n * n), n);
      return [values, vectors];
    },
  },
  'orthonormalize, completed': {
    of: { op: 'orthonormalize', deficient: 'complete', tolerance: 1e-6 },
    operands: [dependent],
    shape: [batch, n, r],
    one: (i) => [la.orthonormalize(nth(dependent, i, n * r), n, r, { deficient: 'complete' }).q],
  },
  'orthonormalize, with zeros': {
    of: { op: 'orthonormalize', deficient: 'zero', tolerance: 2 },
    operands: [dependent],
    shape: [batch, n, r],
    one: (i) => [la.orthonormalize(nth(dependent, i, n * r), n, r, { tolerance: 2 }).q],
  },
  cholesky: {
    of: { op: 'cholesky' },
    operands: [definite],
    shape: [batch, n, n],
    one: (i) => [la.cholesky(nth(definite, i, n * n), n)],
  },
  solveTriangular: {
    of: { op: 'solveTriangular', transpose: false },
    operands: [definite, right],
    shape: [3, 2, n, r],
    one: (i) => [la.solveTriangular(nth(definite, i, n * n), nth(right, i, n * r), n, r)],
  },
  'solveTriangular, transposed': {
    of: { op: 'solveTriangular', transpose: true },
    operands: [definite, right],
    shape: [batch, n, r],
    one: (i) => [la.solveTriangular(nth(definite, i, n * n), nth(right, i, n * r), n, r, { transpose: true })],
  },
};

describe.each(Object.entries(cases))('%s of a batch', (_, { of, operands, shape, one }) => {
  it('is that of each of its matrices', () => {
    const parts = factorize(la, of, operands, shape);
    const each = Array.from({ length: batch }, (_, i) => one(i));
    expect(parts).toEqual(parts.map((_, k) => Float64Array.from(each.flatMap((own) => [...(own[k] ?? [])]))));
    expect(parts).toHaveLength(each[0]?.length ?? 0);
  });

  it('is in the precision of its operands', () => {
    const parts = factorize(
      la,
      of,
      operands.map((operand) => Float32Array.from(operand)),
      shape,
    );
    const wide = factorize(la, of, operands, shape);
    parts.forEach((part, k) => {
      expect(part).toBeInstanceOf(Float32Array);
      part.forEach((x, i) => void expect(Math.abs(x - (wide[k]?.[i] ?? Number.NaN))).toBeLessThan(1e-4));
    });
  });

  it('of no matrix is nothing, and of one is its own', () => {
    const none = factorize(
      la,
      of,
      operands.map(() => new Float64Array(0)),
      [0, ...shape.slice(-2)],
    );
    expect(none.every(({ length }) => length === 0)).toBe(true);
    const first = operands.map((operand) => operand.subarray(0, operand.length / batch));
    expect(factorize(la, of, first, shape.slice(-2))).toEqual(one(0));
  });
});

it.each<[Factorization, Float64Array[], string]>([
  [{ op: 'eigh' }, [new Float64Array(9)], 'operand 0 of eigh: 9 elements where 18 are needed'],
  [{ op: 'cholesky' }, [], 'operand 0 of cholesky: 0 elements where 18 are needed'],
  [{ op: 'solveTriangular', transpose: false }, [new Float64Array(18)], 'operand 1 of solveTriangular: 0 elements where 18 are needed'],
])('operands that are too short or missing are named: %o', (of, operands, message) => {
  expect(() => factorize(la, of, operands, [2, 3, 3])).toThrow(message);
});
