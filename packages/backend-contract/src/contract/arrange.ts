import { concat, full, identity, iota, type Shape, scalar } from '@opt/core';
import { describe, it } from 'vitest';
import { edgeShapes, expectCase, type Harness, input, type OpCase } from './harness.ts';

/** Operations that move elements must not change a bit. */
const exactly = { kind: 'arithmetic', signedZero: true } as const;

const reductions: readonly (readonly [Shape, readonly number[] | undefined])[] = [
  ...edgeShapes.map((shape) => [shape, undefined] as const),
  [[1000], undefined],
  [[4, 5], [0]],
  [[4, 5], [1]],
  [[4, 5], [-1]],
  [
    [4, 5],
    [0, 1],
  ],
  [[1, 7], [0]],
  [[7, 1], [0]],
  [[2, 3, 4], [0]],
  [[2, 3, 4], [1]],
  [[2, 3, 4], [2]],
  [
    [2, 3, 4],
    [0, 2],
  ],
  [
    [2, 3, 4],
    [1, 2],
  ],
  [
    [2, 3, 4, 5],
    [1, 3],
  ],
  [
    [2, 3, 4, 5],
    [0, 2],
  ],
  [[33, 17], [0]],
  [[33, 17], [1]],
];

const transpositions: readonly (readonly [Shape, readonly number[]])[] = [
  [[5], [0]],
  [
    [3, 7],
    [1, 0],
  ],
  [
    [1, 7],
    [1, 0],
  ],
  [
    [17, 33],
    [1, 0],
  ],
  ...[
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ].map((order) => [[2, 3, 5], order] as const),
  [
    [2, 3, 4, 5],
    [2, 3, 1, 0],
  ],
  [
    [2, 3, 4, 5],
    [3, 2, 0, 1],
  ],
  [
    [2, 3, 4, 5],
    [0, 2, 1, 3],
  ],
];

const slices: readonly (readonly [Shape, readonly number[], readonly number[]])[] = [
  [[7], [2], [6]],
  [[7], [0], [1]],
  [
    [4, 6],
    [1, 2],
    [3, 5],
  ],
  [[4, 6], [1], [4]],
  [
    [4, 6],
    [0, 5],
    [4, 6],
  ],
  [
    [2, 3, 4],
    [0, 1, 1],
    [2, 3, 4],
  ],
  [
    [2, 3, 2, 5],
    [1, 0, 1, 2],
    [2, 2, 2, 5],
  ],
];

export function testArrange(harness: Harness): void {
  const each = async (cases: readonly OpCase[]): Promise<void> => {
    for (const one of cases) await expectCase(harness, one);
  };

  describe('shapes', () => {
    it.each(['sum', 'maximum', 'mean'] as const)('%s', async (op) => {
      await each(
        reductions.map(([shape, axes], i) => ({
          label: `${op} [${shape}] over [${axes ?? 'all'}]`,
          inputs: [input(shape, i)],
          f: (x) => ({ y: x(0)[op](axes), kept: x(0)[op](axes, { keep: true }), wide: x(0).wide()[op](axes).working() }),
          kind: 'contraction',
          by: 'largest',
        })),
      );
    });

    it('reductions of NaN and infinities', async () => {
      const rows = [
        [1, Infinity, 2],
        [Infinity, -Infinity, 1],
        [Number.NaN, 1, 2],
        [-Infinity, -Infinity, -Infinity],
        [-3, -1, -2],
      ];
      const whole = { shape: [5, 3], data: rows.flat() };
      await each([
        { label: 'sum', inputs: [whole], f: (x) => ({ y: x(0).sum([1]), z: x(0).sum([0]), w: x(0).sum() }), kind: 'contraction' },
        {
          label: 'maximum',
          inputs: [{ shape: [4, 3], data: [...rows.slice(0, 2), ...rows.slice(3)].flat() }],
          f: (x) => ({ y: x(0).maximum([1]), z: x(0).maximum([0]) }),
          kind: 'arithmetic',
        },
      ]);
    });

    it('reshape', async () => {
      const to: readonly (readonly [Shape, Shape])[] = [
        [[], [1]],
        [[1, 1], []],
        [[2, 3, 4], [24]],
        [
          [2, 3, 4],
          [4, -1],
        ],
        [
          [6, 4],
          [2, 3, 2, 2],
        ],
      ];
      await each(
        to.map(([from, shape]) => ({
          label: `reshape [${from}] to [${shape}]`,
          inputs: [input(from, 3)],
          f: (x) => ({ y: x(0).reshape(shape), z: x(0).mul(2).reshape(shape).add(1) }),
          ...exactly,
        })),
      );
    });

    it('transpose', async () => {
      await each(
        transpositions.map(([shape, order]) => ({
          label: `transpose [${shape}] by [${order}]`,
          inputs: [input(shape, 4)],
          f: (x) => ({ y: x(0).transpose(order), z: x(0).mul(2).transpose(order).neg() }),
          ...exactly,
        })),
      );
    });

    it('slice and concat', async () => {
      await each(
        slices.map(([shape, starts, ends]) => ({
          label: `slice [${shape}] from [${starts}] to [${ends}]`,
          inputs: [input(shape, 5)],
          f: (x) => ({ y: x(0).slice(starts, ends), z: x(0).neg().slice(starts, ends).abs() }),
          ...exactly,
        })),
      );
      for (const [parts, axis] of [
        [[[3], [1], [5]], 0],
        [
          [
            [2, 3],
            [1, 3],
          ],
          0,
        ],
        [
          [
            [2, 3],
            [2, 5],
            [2, 1],
          ],
          1,
        ],
        [
          [
            [2, 3, 2],
            [2, 1, 2],
          ],
          1,
        ],
        [
          [
            [2, 3, 2, 1],
            [2, 3, 2, 4],
          ],
          -1,
        ],
      ] as const) {
        await expectCase(harness, {
          label: `concat ${JSON.stringify(parts)} along ${axis}`,
          inputs: parts.map((shape, i) => input(shape, i)),
          f: (x) => ({ y: concat([...parts.keys()].map(x), axis), twice: concat([x(0), x(0).neg(), x(0)], axis) }),
          ...exactly,
        });
      }
    });

    it('broadcastTo', async () => {
      const to: readonly (readonly [Shape, Shape])[] = [
        [[], [5]],
        [[], [2, 3]],
        [[3], [4, 3]],
        [
          [4, 1],
          [4, 3],
        ],
        [
          [2, 1, 1, 3],
          [2, 4, 5, 3],
        ],
      ];
      await each(
        to.map(([from, shape]) => ({
          label: `broadcastTo [${from}] to [${shape}]`,
          inputs: [input(from, 6)],
          f: (x) => ({ y: x(0).broadcastTo(shape), z: x(0).neg().broadcastTo(shape).add(x(0)) }),
          ...exactly,
        })),
      );
    });

    it('iota, identity and full', async () => {
      await each(
        [1, 2, 3, 5, 33].map((n) => ({
          label: `iota ${n}`,
          inputs: [input([n, n], 1)],
          f: (x) => ({ i: iota(n), shifted: iota(n).add(0.5), I: identity(n), product: x(0).mul(identity(n)), filled: full([n, 2], 3) }),
          ...exactly,
        })),
      );
    });

    it('scalars as operands everywhere', async () => {
      await expectCase(harness, {
        label: 'scalars',
        inputs: [{ shape: [], data: [1.5] }],
        f: (x) => ({ y: x(0).sqrt().add(1), z: x(0).sum(), w: x(0).mul(scalar(2)).reshape([1, 1]), c: scalar(3) }),
        kind: 'arithmetic',
      });
    });
  });
}
