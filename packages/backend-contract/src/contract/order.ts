import type { Shape } from '@opt/core';
import { describe, it } from 'vitest';
import { expectCase, type Harness, type Input, input, type OpCase } from './harness.ts';

/** Operations that choose elements must not change a bit. */
const exactly = { kind: 'arithmetic', signedZero: true } as const;

const index = (data: readonly number[]): Input => ({ shape: [data.length], data });

/** What is chosen by position, and the order positions are put in. */
export function testOrder(harness: Harness): void {
  const each = async (cases: readonly OpCase[]): Promise<void> => {
    for (const one of cases) await expectCase(harness, one);
  };

  describe('positions', () => {
    it('gather', async () => {
      const cases: readonly (readonly [Shape, number, readonly number[]])[] = [
        [[5], 0, [4, 0, 0, 2]],
        [[4, 3], 0, [3, 1, 1]],
        [[4, 3], 1, [2, 0, 1, 2]],
        [[2, 3, 4], 0, [1]],
        [[2, 3, 4], 1, [2, 1, 0]],
        [[2, 3, 4], 2, [3, 0, 0, 1, 2]],
        [[1, 7], 1, [6, 5, 4, 3, 2, 1, 0]],
      ];
      await each(
        cases.map(([shape, axis, chosen]) => ({
          label: `gather [${shape}] along ${axis}`,
          inputs: [input(shape, 7), index(chosen)],
          f: (x) => ({ y: x(0).gather(x(1).int(), axis), z: x(0).mul(2).gather(x(1).add(0).int(), axis).neg() }),
          ...exactly,
        })),
      );
    });

    it.each([[[5]], [[4, 3]], [[3, 2, 5]], [[1, 7]]])('row and setRow of %j, index clamped to the rows', async (shape) => {
      const rows = shape[0] ?? 1;
      for (const at of [0, 1, rows - 1, rows, rows + 100, -1, -1e6, 1.75]) {
        await expectCase(harness, {
          label: `row ${at} of [${shape}]`,
          inputs: [input(shape, 8), { shape: [], data: [at] }, input(shape.slice(1), 9)],
          f: (x) => ({
            constant: x(0).row(at),
            device: x(0).row(x(1)),
            computed: x(0).mul(2).row(x(1).add(0)),
            written: x(0).setRow(at, x(2)),
            writtenThere: x(0).setRow(x(1), x(2).neg()),
            self: x(0).setRow(x(1), x(0).row(rows - 1)),
            twice: x(0).setRow(x(1), x(2)).setRow(0, x(2).mul(2)),
          }),
          ...exactly,
        });
      }
    });

    it('argsort is ascending and stable', async () => {
      const ties = [3, 1, 1, -2, 3, 0, -0, 1, -Infinity, Infinity, 0, 3];
      await each([
        { label: 'ties', inputs: [index(ties)], f: (x) => ({ y: x(0).argsort() }), ...exactly },
        { label: 'all equal', inputs: [index(Array(33).fill(2))], f: (x) => ({ y: x(0).argsort() }), ...exactly },
        { label: 'falling', inputs: [index([5, 4, 3, 2, 1])], f: (x) => ({ y: x(0).argsort() }), ...exactly },
        ...[[1], [2], [7], [33], [3, 5], [2, 3, 17]].map(
          (shape): OpCase => ({
            label: `argsort [${shape}]`,
            inputs: [input(shape, 10, (x) => Math.round(4 * x) / 4)],
            f: (x) => ({ y: x(0).argsort() }),
            ...exactly,
          }),
        ),
        {
          label: 'sorted by its own order',
          inputs: [index(ties.filter(Number.isFinite))],
          f: (x) => ({ y: x(0).gather(x(0).argsort(), 0), falling: x(0).gather(x(0).neg().argsort(), 0) }),
          kind: 'arithmetic',
        },
      ]);
    });
  });
}
