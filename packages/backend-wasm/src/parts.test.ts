import { build, randomPrograms } from '@opt/backend-contract/vitest';
import { type Floats, type Program, size, type Tensor, trace } from '@opt/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { handing, linearAlgebra, type Operand, type PartialExecutable, type Product, WasmBackend, type WasmBuffer } from './index.ts';
import { type Data, donating, runOn } from './testing/compare.ts';
import { noise } from './testing/noise.ts';

/** Element (…batch, i, j) of op(x), x broadcast over the batches of `shape`. */
function reader(data: Floats, { shape }: Operand, transposed: boolean): (batch: readonly number[], i: number, j: number) => number {
  const [rows = 1, columns = 1] = shape.slice(-2);
  const axes = shape.slice(0, -2);
  return (batch, i, j) => {
    let at = 0;
    axes.forEach((n, axis) => {
      at = at * n + (n === 1 ? 0 : (batch[batch.length - axes.length + axis] ?? 0));
    });
    return data[(at * rows + (transposed ? j : i)) * columns + (transposed ? i : j)] ?? Number.NaN;
  };
}

/** A group of products as somebody else computes it: what nobody reads outside is never written, the rest when all is computed. */
function compute(backend: WasmBackend, products: readonly Product[]): void {
  const results: Float64Array[] = [];
  const dataOf = (operand: Operand): Floats =>
    (operand.product === undefined ? undefined : results[operand.product]) ?? Float64Array.from(backend.viewOf(operand));
  for (const { a, b, c, transposeA, transposeB, alpha, beta, result } of products) {
    const [left, right] = [reader(dataOf(a), a, transposeA), reader(dataOf(b), b, transposeB)];
    const [m = 1, n = 1] = result.shape.slice(-2);
    const inner = a.shape.at(transposeA ? -2 : -1) ?? 1;
    const added = c === undefined ? undefined : dataOf(c);
    const batches = result.shape.slice(0, -2);
    results.push(
      Float64Array.from({ length: size(result.shape) }, (_, at) => {
        const [i, j] = [Math.floor(at / n) % m, at % n];
        let rest = Math.floor(at / (m * n));
        const batch: number[] = [];
        for (const length of [...batches].reverse()) {
          batch.unshift(rest % length);
          rest = Math.floor(rest / length);
        }
        let sum = 0;
        for (let k = 0; k < inner; k++) sum += left(batch, i, k) * right(batch, k, j);
        return alpha * sum + (added === undefined ? 0 : beta * (added[at] ?? Number.NaN));
      }),
    );
  }
  products.forEach(({ result, kept }, i) => {
    const view = backend.viewOf(result);
    if (kept) view.set(results[i] ?? []);
    else view.fill(Number.NaN);
  });
}

interface Run {
  readonly groups: readonly (readonly Product[])[];
  readonly results: Readonly<Record<string, Floats>>;
}

/** A program with all its products handed over. */
function inParts(program: Program, data: Data = {}, enough = Number.POSITIVE_INFINITY): Run {
  const backend = new WasmBackend(2 ** 28, linearAlgebra());
  const buffers = new Map<string, WasmBuffer>();
  for (const { key, shape, dtype } of program.inputs) {
    const buffer = backend.create('parameter', key, shape, dtype);
    backend.write(buffer, data[key] ?? noise(size(shape), key.length + key.charCodeAt(0)));
    buffers.set(key, buffer);
  }
  for (const { key, shape, dtype, donates } of program.outputs)
    buffers.set(key, buffers.get(donates ?? key) ?? backend.create('output', key, shape, dtype));
  const get = (key: string): WasmBuffer => {
    const buffer = buffers.get(key);
    if (buffer === undefined) throw new Error(`no buffer '${key}'`);
    return buffer;
  };
  const takes = ({ alpha, beta }: { readonly alpha: number | undefined; readonly beta: number | undefined }): boolean =>
    alpha !== undefined && beta !== undefined;
  const parts: PartialExecutable = backend.compileParts(program, get, handing({ takes, enough }));
  parts.run(0);
  parts.products.forEach((products, i) => {
    compute(backend, products);
    parts.run(i + 1);
  });
  return {
    groups: parts.products,
    results: Object.fromEntries([...buffers.keys()].map((key) => [key, backend.readBuffer(get(key)).slice()])),
  };
}

const largest = (data: Floats): number => Float64Array.from(data).reduce((max, x) => Math.max(max, Math.abs(x)), 0);

function expectAgreement(program: Program, data: Data, enough?: number): void {
  const { results } = inParts(program, data, enough);
  const expected = runOn(new WasmBackend(2 ** 28, linearAlgebra()), program, data);
  const scale = Math.max(1, ...Object.values(expected).map(largest));
  for (const [key, value] of Object.entries(expected)) {
    const given = results[key] ?? value.map(() => Number.NaN);
    value.forEach((x, i) => {
      if (Math.abs(x - (given[i] ?? Number.NaN)) > 1e-4 * scale || Number.isNaN(x) !== Number.isNaN(given[i]))
        expect.fail(`${key}[${i}]: ${given[i]} instead of ${x}`);
    });
  }
}

describe('programs that leave their products to somebody else', () => {
  it.each([0, 30, Number.POSITIVE_INFINITY])('random ones come out the same, groups of %d multiply-adds', (enough) => {
    fc.assert(
      fc.property(randomPrograms, ({ inputs, instructions }) => {
        const program = trace(Object.fromEntries(inputs.map(({ shape }, i) => [`x${i}`, shape])), (tensors) => {
          const values = build(
            instructions,
            Object.values(tensors).map((tensor) => ({ tensor, bound: 4, fraction: 2 })),
          );
          return Object.fromEntries(values.map(({ tensor }, i) => [`v${i}`, tensor]));
        });
        expectAgreement(program, Object.fromEntries(inputs.map(({ data }, i) => [`x${i}`, data])), enough);
      }),
      { numRuns: 100, seed: 20261121 },
    );
  });

  const sizesOf = (f: (x: Tensor, y: Tensor) => Readonly<Record<string, Tensor>>, enough?: number, donates = {}): number[] => {
    const program = donating(
      trace({ x: [6, 6], y: [6, 6] }, ({ x, y }) => f(x, y)),
      donates,
    );
    expectAgreement(program, {}, enough);
    return inParts(program, {}, enough).groups.map(({ length }) => length);
  };

  it('a chain goes together, whatever is enough', () => {
    expect(sizesOf((x, y) => ({ z: x.matmul(y).matmul(x).matmul(y, { alpha: 0.1, add: x }) }), 0)).toEqual([3]);
  });

  it('products that have nothing to do with each other go together until they are enough', () => {
    const four = (x: Tensor, y: Tensor) => ({ a: x.matmul(x), b: x.matmul(y), c: y.matmul(x), d: y.matmul(y) });
    expect(sizesOf(four)).toEqual([4]);
    expect(sizesOf(four, 6 ** 3 + 1)).toEqual([2, 2]);
    expect(sizesOf(four, 0)).toEqual([1, 1, 1, 1]);
  });

  it('what is computed here in between, or only a part of a result, comes later', () => {
    expect(sizesOf((x, y) => ({ z: x.matmul(y).add(1).matmul(y) }))).toEqual([1, 1]);
    expect(sizesOf((x, y) => ({ z: x.matmul(y).slice([0, 0], [3, 6]).matmul(y) }))).toEqual([1, 1]);
    expect(sizesOf((x, y) => ({ z: x.matmul(y).reshape([3, 12]).reshape([6, 6]).matmul(y) }))).toEqual([2]);
  });

  it('what takes the place of something that is still read comes later', () => {
    const f = (x: Tensor, y: Tensor) => ({ first: y.matmul(y), second: x.matmul(y) });
    expect(sizesOf(f, undefined, { first: 'x' })).toEqual([1, 1]);
    expect(sizesOf(f, undefined, { first: 'x', second: 'y' })).toSatisfy((sizes: number[]) => sizes.length > 0);
  });
});
