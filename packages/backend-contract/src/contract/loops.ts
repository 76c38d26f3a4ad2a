import { iota, repeat, scalar, where } from '@opt/core';
import { describe, it } from 'vitest';
import { expectCase, type Harness, input } from './harness.ts';

export function testLoops(harness: Harness): void {
  describe('repeat', () => {
    it('applies the body a number of times; none is the carry itself', async () => {
      for (const times of [0, 1, 7, 100]) {
        await expectCase(harness, {
          label: `${times} times`,
          inputs: [input([5], 1), input([5], 2)],
          f: (x) => repeat(times, { a: x(0), n: scalar(0) }, ({ a, n }) => ({ a: a.mul(0.5).add(x(1)), n: n.add(1) })),
          kind: 'contraction',
          by: 'largest',
        });
      }
    });

    it('stops where until holds: at once, after some rounds, never', async () => {
      for (const stop of [0, 3, 1000]) {
        await expectCase(harness, {
          label: `until ${stop}`,
          inputs: [input([3], 1), { shape: [], data: [stop] }],
          f: (x) =>
            repeat(
              10,
              { a: x(0), n: scalar(0) },
              ({ a, n }) => ({ a: a.mul(2), n: n.add(1) }),
              ({ n }) => n.ge(x(1)),
            ),
          kind: 'arithmetic',
        });
      }
    });

    it('rounds see the old carry: two swap, three rotate', async () => {
      await expectCase(harness, {
        label: 'swap',
        inputs: [input([3, 3], 1), input([3, 3], 2), input([3, 3], 3)],
        f: (x) => repeat(5, { a: x(0), b: x(1), c: x(2) }, ({ a, b, c }) => ({ a: b, b: c.mul(2), c: a })),
        kind: 'arithmetic',
      });
      await expectCase(harness, {
        label: 'mixed',
        inputs: [input([3, 3], 1), input([3, 3], 2)],
        f: (x) => repeat(3, { a: x(0), b: x(1) }, ({ a, b }) => ({ a: a.matmul(b, { alpha: 0.5 }), b: b.T.matmul(a, { alpha: 0.5 }) })),
        kind: 'contraction',
        by: 'largest',
      });
    });

    it('matrix iterations: Newton–Schulz', async () => {
      await expectCase(harness, {
        label: 'newton-schulz',
        inputs: [input([4, 7], 1, (x) => 0.15 * x)],
        f: (x) =>
          repeat(5, { X: x(0) }, ({ X }) => {
            const A = X.matmul(X, { transposeB: true });
            return { X: A.matmul(X, { alpha: -0.5, add: X, beta: 1.5 }) };
          }),
        kind: 'contraction',
        by: 'largest',
      });
    });

    it('loops in loops, what they capture, and results used afterwards', async () => {
      await expectCase(harness, {
        label: 'nested',
        inputs: [input([4], 1), input([4], 2)],
        f: (x) => {
          const { a } = repeat(3, { a: x(0), rounds: scalar(0) }, ({ a: outer, rounds }) => {
            const { b } = repeat(
              4,
              { b: outer },
              ({ b: inner }) => ({ b: inner.mul(0.5).add(x(1)).add(outer.mul(0.1)).add(rounds) }),
              ({ b: inner }) => inner.abs().maximum().gt(50),
            );
            return { a: b.sub(x(1).sum()), rounds: rounds.add(1) };
          });
          return { a, after: a.mul(2).add(x(0)) };
        },
        kind: 'contraction',
        by: 'largest',
      });
    });

    it('every kind of work inside a loop', async () => {
      await expectCase(harness, {
        label: 'body',
        inputs: [input([4, 3], 1)],
        f: (x) =>
          repeat(4, { h: x(0), i: scalar(0), w: x(0).sum().wide() }, ({ h, i, w }) => {
            const next = h
              .row(i)
              .mul(0.5)
              .add(h.sum([0]).mul(0.1));
            const order = h.sum([1]).argsort();
            return { h: where(i.lt(2), h.setRow(i, next), h.gather(order, 0)), i: i.add(1), w: w.add(next.sum().wide().mul(1e-3)) };
          }),
        kind: 'contraction',
        by: 'largest',
      });
    });

    it('a body that computes no carry from the carry', async () => {
      await expectCase(harness, {
        label: 'constant',
        inputs: [input([3], 1)],
        f: (x) => repeat(2, { a: x(0), b: x(0) }, () => ({ a: iota(3).add(0.5), b: x(0).neg() })),
        kind: 'arithmetic',
      });
    });
  });
}
