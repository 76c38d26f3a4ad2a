import { build, randomPrograms } from '@opt/backend-contract/vitest';
import { type Program, size, type Tensor, trace } from '@opt/core';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type WasmBackend, wasm } from '../index.ts';
import { type Data, donating, runOn } from '../testing/compare.ts';
import { finest } from '../testing/finest.ts';
import { noise } from '../testing/noise.ts';
import { threadsOf } from '../testing/threads.ts';

let backends: readonly WasmBackend[] = [];

beforeAll(async () => {
  // As it is used, but for programs of any cost; and cut as finely as can be.
  backends = [await threadsOf(2, { least: 0 }), await threadsOf(3, finest)];
});
afterAll(() => {
  for (const backend of backends) backend.dispose();
});

/** Runs a program on one thread and on several, and wants the same bits. */
function expectSameBits(program: Program, data: Data = {}, times = 1): void {
  const expected = runOn(wasm(), program, data, [], times);
  for (const backend of backends) {
    const before = backend.sharedRuns;
    const actual = runOn(backend, program, data, [], times);
    expect(backend.sharedRuns - before).toBe(times);
    for (const [key, value] of Object.entries(expected)) {
      const given = actual[key] ?? value.subarray(0, 0);
      const at = value.findIndex((x, i) => !Object.is(x, given[i]));
      expect(at, `${key}, ${backend.threads} threads: ${given[at]} at ${at} instead of ${value[at]}`).toBe(-1);
    }
  }
}

describe('the bits of one thread', () => {
  it.each([
    [1, 1, 1],
    [1, 300, 70],
    [300, 1, 70],
    [70, 10, 300],
    [200, 40, 33],
    [512, 96, 17],
    [130, 517, 300],
    [261, 259, 140],
  ])('products, %i × %i × %i, all ways round, with and without something added', (m, n, k) => {
    for (const [transposeA, transposeB] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ] as const) {
      const shapes = { a: transposeA ? [k, m] : [m, k], b: transposeB ? [n, k] : [k, n], c: [m, n] };
      const program = trace(shapes, ({ a, b, c }) => ({
        plain: a.matmul(b, { transposeA, transposeB }),
        c: a.matmul(b, { transposeA, transposeB, alpha: 0.3, add: c, beta: 0.9 }),
      }));
      expectSameBits(donating(program, { c: 'c' }), {}, 2);
    }
  });

  it.each([40, 127, 261, 400])('a symmetric product of %i rows, in place', (n) => {
    const traced = trace({ g: [n, 90], c: [n, n] }, ({ g, c }) => ({
      c: g.matmul(g, { transposeB: true, alpha: 0.1, add: c, beta: 0.9 }),
      gram: g.matmul(g, { transposeB: true }),
    }));
    // As where c is a slot of a kind that is symmetric.
    const nodes = traced.nodes.map((node) => (node.operation.op === 'matmul' ? { ...node, symmetric: true } : node));
    const c = noise(n * n).map((_, i, all) => (all[i] ?? 0) + (all[(i % n) * n + Math.floor(i / n)] ?? 0));
    expectSameBits(donating({ ...traced, nodes }, { c: 'c' }), { c }, 3);
  });

  it('products and factorisations in f64, and of batches', () => {
    expectSameBits(
      trace({ x: [7, 30, 20], y: [20, 110], w: [150, 140] }, ({ x, y, w }) => {
        const gram = x.matmul(x, { transposeA: true });
        const { values, vectors } = gram.eigh();
        return {
          product: x.matmul(y),
          wide: w.wide().matmul(w.wide(), { transposeB: true }).working(),
          values,
          vectors,
          q: x.orthonormalize('complete'),
          l: gram.add(1).cholesky(),
        };
      }),
    );
  });

  it('elementwise work, sums along every axis, transpositions, rows, and tests for what is not finite', () => {
    const program = trace({ x: [70, 128], y: [70, 128], row: [128], at: [] }, ({ x, y, row, at }) => {
      const moved = x.mul(0.9).add(y.square().mul(0.1)).sub(row);
      return {
        x: moved,
        y: y.T.reshape([128, 70]).T.mul(2).add(x.exp()),
        rows: moved.sum([1]),
        columns: moved.abs().maximum([0]),
        all: moved.sum(),
        most: moved.maximum(),
        finite: x.isFinite().not().maximum(),
        rowAt: x.row(at),
      };
    });
    const placed = donating(program, { x: 'x', y: 'y' });
    expectSameBits(placed, { at: [3] }, 3);
    const poisoned = noise(70 * 128);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      for (const i of [0, 5000, 70 * 128 - 1]) {
        poisoned[i] = value;
        expectSameBits(placed, { x: poisoned, at: [69] });
      }
    }
  });

  it('many small tensors beside a large one', () => {
    const shapes = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`p${i}`, i === 7 ? [4099] : [i + 1]]));
    const program = trace(shapes, (tensors) =>
      Object.fromEntries(Object.entries(tensors).map(([key, x]): [string, Tensor] => [key, x.mul(0.5).add(x.abs().sqrt())])),
    );
    expectSameBits(donating(program, Object.fromEntries(Object.keys(shapes).map((key) => [key, key]))), {}, 5);
  });

  it('random programs', () => {
    const enlarged = randomPrograms.filter(({ inputs }) => inputs.every(({ shape }) => size(shape) * 9 < 5000));
    const check = fc.property(enlarged, ({ inputs, instructions }) => {
      const larger = inputs.map(({ shape }) => shape.map((n) => (n === 1 ? 1 : n * 3)));
      const program = trace(Object.fromEntries(larger.map((shape, i) => [`x${i}`, shape])), (tensors) => {
        const starts = Object.values(tensors).map((tensor) => ({ tensor, bound: 4, fraction: 2 }));
        return Object.fromEntries(build(instructions, starts).map(({ tensor }, i) => [`v${i}`, tensor]));
      });
      expectSameBits(program);
    });
    fc.assert(check, { numRuns: 25, seed: 20261201 });
  });
});
