import { expect, test } from 'vitest';
import { LinalgError, linalg } from './index.ts';

const la = linalg();
const one = Float32Array.of(1);

const thrown = (call: () => unknown): LinalgError => {
  try {
    call();
  } catch (error) {
    if (LinalgError.isInstance(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

test.each([
  ['bad-size', 'n', () => la.eigh(new Float64Array(4), 1.5)],
  ['bad-size', 'm', () => la.matmul(new Float32Array(1), new Float32Array(1), { m: -1, n: 1, k: 1 })],
  ['bad-size', 'batch', () => la.matmul(new Float32Array(1), new Float32Array(1), { m: 1, n: 1, k: 1, batch: Number.NaN })],
  ['bad-size', 'm', () => la.qr(new Float32Array(6), 2, 3)],
  ['bad-length', 'a', () => la.eigh(new Float64Array(5), 2)],
  ['bad-length', 'b', () => la.matmul(new Float32Array(4), new Float32Array(5), { m: 2, n: 2, k: 2 })],
  ['bad-length', 'a', () => la.matmul(new Float32Array(8), new Float32Array(4), { m: 2, n: 2, k: 2, batch: 3 })],
  ['bad-length', 'add', () => la.matmul(new Float32Array(4), new Float32Array(4), { m: 2, n: 2, k: 2 }, { add: new Float32Array(3) })],
  ['bad-length', 'x', () => la.orthonormalize(new Float32Array(5), 2, 2)],
  ['bad-length', 'b', () => la.solveTriangular(new Float32Array(4), new Float32Array(3), 2, 1)],
  ['bad-length', 'x', () => la.gram(new Float32Array(3), 2, 2)],
  ['bad-option', 'tolerance', () => la.orthonormalize(new Float32Array(4), 2, 2, { tolerance: -1 })],
  ['bad-option', 'symmetric', () => la.matmul(new Float32Array(2), new Float32Array(1), { m: 2, n: 1, k: 1 }, { symmetric: true })],
  // @ts-expect-error the option does not exist
  ['bad-option', 'deficient', () => la.orthonormalize(new Float32Array(4), 2, 2, { deficient: 'drop' })],
  // @ts-expect-error the precisions differ
  ['bad-type', 'b', () => la.matmul(new Float32Array(1), new Float64Array(1), { m: 1, n: 1, k: 1 })],
  // @ts-expect-error not a typed array
  ['bad-type', 'a', () => la.cholesky([1], 1)],
  // @ts-expect-error wrong typed array
  ['bad-type', 'x', () => la.gram(new Float64Array(1), 1, 1)],
  ['bad-option', 'fam', () => Reflect.apply(linalg, undefined, [{ fam: false }])],
  ['bad-option', 'fma', () => Reflect.apply(linalg, undefined, [{ fma: 'no' }])],
  ['bad-option', 'transpose', () => Reflect.apply(la.matmul, la, [one, one, { m: 1, n: 1, k: 1 }, { transpose: true }])],
  ['bad-option', 'alpha', () => Reflect.apply(la.matmul, la, [one, one, { m: 1, n: 1, k: 1 }, { alpha: '2' }])],
  ['bad-option', 'options', () => Reflect.apply(la.matmul, la, [one, one])],
  ['bad-option', 'tol', () => Reflect.apply(la.orthonormalize, la, [one, 1, 1, { tol: 1 }])],
  ['bad-type', 'a', () => Reflect.apply(la.eigh, la, [[1], 1])],
])('%s names %s', (code, argument, call) => {
  const error = thrown(call);
  expect(error.code).toBe(code);
  expect(error.argument).toBe(argument);
  expect(error.message.startsWith(`${argument}:`)).toBe(true);
});

test('isInstance tells other errors apart', () => {
  expect(LinalgError.isInstance(new Error('other'))).toBe(false);
  expect(LinalgError.isInstance(undefined)).toBe(false);
});

test('inputs stay as they were and results survive later calls', () => {
  const a = Float64Array.of(2, 1, 1, 2);
  const first = la.eigh(a, 2);
  const kept = [...first.vectors];
  // Large enough that the memory has to grow.
  la.matmul(new Float64Array(300 * 300), new Float64Array(300 * 300), { m: 300, n: 300, k: 300 });
  expect([...first.vectors]).toEqual(kept);
  expect([...a]).toEqual([2, 1, 1, 2]);
});

test('empty matrices', () => {
  expect(la.eigh(new Float32Array(0), 0).values.length).toBe(0);
  expect(la.cholesky(new Float32Array(0), 0).length).toBe(0);
  expect(la.qr(new Float64Array(0), 5, 0).q.length).toBe(0);
  expect(la.orthonormalize(new Float64Array(0), 0, 3, { deficient: 'complete' }).deferred).toBe(3);
  expect([...la.gram(new Float32Array(0), 0, 2)]).toEqual([0, 0, 0, 0]);
});
