import { type MatmulOptions, type Shape, type Tensor, trace } from '@opt/core';
import { describe, it } from 'vitest';
import { runProgram } from '../run-program.ts';
import { expectCase, expectSame, type Harness, input, type OpCase } from './harness.ts';

const sizes = [
  [1, 1, 1],
  [1, 5, 1],
  [5, 1, 7],
  [1, 7, 3],
  [3, 3, 3],
  [2, 7, 17],
  [17, 33, 5],
  [8, 8, 8],
  [33, 17, 66],
  [70, 65, 67],
] as const;

const transposes = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const;

/** a [m, k] and b [k, n], as they are stored under the given transposes. */
const stored = (rows: number, columns: number, transposed: boolean): Shape => (transposed ? [columns, rows] : [rows, columns]);

const batches: readonly (readonly [a: Shape, b: Shape, options: MatmulOptions])[] = [
  [[2, 3, 4], [2, 4, 5], {}],
  [[3, 4], [2, 4, 5], {}],
  [[2, 3, 4], [4, 5], {}],
  [[2, 1, 3, 4], [5, 4, 2], {}],
  [[2, 3, 4], [2, 5, 4], { transposeB: true }],
  [[2, 4, 3], [4, 5], { transposeA: true }],
  [[3, 4, 3], [1, 5, 4], { transposeA: true, transposeB: true }],
  [[7, 1, 33], [7, 33, 1], {}],
];

export function testContractions(harness: Harness): void {
  const expectAll = async (cases: readonly OpCase[]): Promise<void> => {
    for (const one of cases) await expectCase(harness, one);
  };
  const contraction = { kind: 'contraction', by: 'largest' } as const;

  describe('matmul', () => {
    it.each(transposes)('transposes %s %s: α·op(a)·op(b) + β·c in every combination', async (transposeA, transposeB) => {
      await expectAll(
        sizes.map(([m, k, n]) => ({
          label: `[${m}, ${k}]·[${k}, ${n}]`,
          inputs: [
            input(stored(m, k, transposeA), 1),
            input(stored(k, n, transposeB), 2),
            input([m, n], 3),
            { shape: [], data: [0.75] },
            { shape: [], data: [-0.5] },
          ],
          f: (x) => {
            const product = (options: MatmulOptions) => x(0).matmul(x(1), { transposeA, transposeB, ...options });
            return {
              plain: product({}),
              scaled: product({ alpha: -0.5 }),
              added: product({ add: x(2) }),
              blended: product({ alpha: 0.1, add: x(2), beta: 0.9 }),
              device: product({ alpha: x(3), add: x(2), beta: x(4) }),
              nothing: product({ alpha: 0, add: x(2) }),
            };
          },
          ...contraction,
        })),
      );
    });

    it('batches', async () => {
      await expectAll(
        batches.map(([a, b, options]) => ({
          label: `[${a}]·[${b}] ${JSON.stringify(options)}`,
          inputs: [input(a, 1), input(b, 2)],
          f: (x) => {
            const product = x(0).matmul(x(1), options);
            return { product, blended: x(0).matmul(x(1), { ...options, alpha: 0.3, add: product.mul(2), beta: 0.7 }) };
          },
          ...contraction,
        })),
      );
    });

    it.each([1, 2, 3, 5, 7, 17, 33, 66])('symmetric results of size %i: Gram matrices and polynomials of one', async (n) => {
      const program = (x: (i: number) => Tensor) => {
        const A = x(0).matmul(x(0), { transposeB: true });
        const square = A.matmul(A, { alpha: 0.5, add: A, beta: 0.25 });
        return { A, columns: x(1).matmul(x(1), { transposeA: true }), blended: x(0).matmul(x(0), { transposeB: true, add: A }), square };
      };
      const inputs = [input([n, 5], n), input([5, n], n + 1)];
      await expectCase(harness, { label: `gram ${n}`, inputs, f: program, ...contraction });
      const traced = trace({ x0: [n, 5], x1: [5, n] }, ({ x0, x1 }) => program((i) => (i === 0 ? x0 : x1)));
      const results = await runProgram(harness.backend, traced, { x0: inputs[0] ?? { data: [] }, x1: inputs[1] ?? { data: [] } });
      for (const [key, value] of Object.entries(results)) {
        expectSame(
          `${key} and its transpose`,
          value,
          value.map((_, i) => value[(i % n) * n + Math.floor(i / n)] ?? Number.NaN),
        );
      }
    });

    it('batched Gram matrices', async () => {
      await expectAll([
        {
          label: 'batched gram',
          inputs: [input([3, 5, 4], 1), input([3, 5, 5], 2)],
          f: (x) => {
            const C = x(1).matmul(x(1), { transposeB: true });
            return { gram: x(0).matmul(x(0), { transposeB: true, alpha: 0.1, add: C, beta: 0.9 }) };
          },
          ...contraction,
        },
      ]);
    });

    it('products of transposed, sliced, reshaped and computed operands', async () => {
      await expectAll([
        {
          label: 'operands',
          inputs: [input([5, 6], 1), input([5, 7], 2), input([2, 3, 5], 3)],
          f: (x) => ({
            turned: x(0).T.matmul(x(1)),
            sliced: x(0)
              .slice([1, 2], [4, 6])
              .matmul(x(1).slice([0, 0], [4, 3])),
            reshaped: x(2).reshape([6, 5]).matmul(x(1)),
            permuted: x(2).transpose([1, 0, 2]).reshape([6, 5]).matmul(x(1)),
            computed: x(0).neg().T.matmul(x(1).square().add(1)),
            vector: x(0)
              .matmul(x(0).row(0).reshape([6, 1]))
              .reshape([5]),
            chained: x(0).T.matmul(x(1)).matmul(x(1), { transposeB: true }).add(1).max(0),
          }),
          ...contraction,
        },
      ]);
    });

    it('NaN and infinities reach exactly the entries that depend on them', async () => {
      const poisoned = input([4, 5], 1).data.map((x, i) => (i === 7 ? Number.NaN : i === 13 ? Infinity : x));
      await expectAll([
        {
          label: 'poison',
          inputs: [{ shape: [4, 5], data: poisoned }, input([5, 3], 2)],
          f: (x) => ({ y: x(0).matmul(x(1)), z: x(1).matmul(x(0), { transposeA: true, transposeB: true }) }),
          ...contraction,
        },
      ]);
    });

    it('sums of many small numbers keep their digits', async () => {
      const n = 20000;
      await expectAll([
        {
          label: 'sum',
          inputs: [input([n], 1, (x) => 1e-3 + 1e-4 * x)],
          f: (x) => ({
            sum: x(0).sum(),
            norm: x(0)
              .reshape([1, n])
              .matmul(x(0).reshape([n, 1])),
          }),
          ...contraction,
        },
      ]);
    });
  });
}
