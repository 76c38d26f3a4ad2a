import { describe, expect, test } from 'vitest';
import { type ElementSize, fmaSupported, instantiateKernels, type Kernels, kernelBytes } from './index.ts';
import { at, distance, gramMatrix, normals, product, transposed } from './testing/oracle.ts';

type Blocks = Record<string, { rows: number; columns: number; ld: number; values?: Float64Array }>;

/** Lays blocks with gaps of their own out in a memory full of a sentinel; whatever is not an output must still hold it afterwards. */
const stage = (bytes: ElementSize, blocks: Blocks, scratchBytes: (kernels: Kernels) => number) => {
  const memory = new WebAssembly.Memory({ initial: 64 });
  const kernels = instantiateKernels(memory, false);
  const all = bytes === 4 ? new Float32Array(memory.buffer) : new Float64Array(memory.buffer);
  all.fill(777);
  const starts: Record<string, number> = {};
  let end = 64;
  for (const [name, { rows, columns, ld, values }] of Object.entries(blocks)) {
    starts[name] = end;
    for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) all[end + i * ld + j] = values ? at(values, i * columns + j) : -1;
    // Odd starts: operands are aligned to their element only.
    end += (rows * ld + 5) | 1;
  }
  const scratch = Math.ceil((end * bytes) / 16) * 16;
  const scratchEnd = Math.ceil((scratch + scratchBytes(kernels)) / bytes);
  const start = (name: string): number => starts[name] ?? Number.NaN;
  const read = (name: string): Float64Array => {
    const { rows, columns, ld } = blocks[name] ?? { rows: 0, columns: 0, ld: 0 };
    return Float64Array.from({ length: rows * columns }, (_, i) => at(all, start(name) + Math.floor(i / columns) * ld + (i % columns)));
  };
  const untouched = (): boolean => {
    const owned = new Uint8Array(all.length);
    for (const [name, { rows, columns, ld }] of Object.entries(blocks))
      for (let i = 0; i < rows; i++) owned.fill(1, start(name) + i * ld, start(name) + i * ld + columns);
    owned.fill(1, scratch / bytes, scratchEnd);
    return all.every((x, i) => owned[i] === 1 || x === 777);
  };
  return { kernels, pointer: (name: string): number => start(name) * bytes, scratch, read, untouched };
};

describe.each([
  ['float32', 4, 1e-4],
  ['float64', 8, 1e-12],
] as const)('%s kernels with leading dimensions write their outputs and nothing else', (_, z, tolerance) => {
  test.each([
    [3, 5, 2],
    [17, 23, 9],
    [70, 61, 33],
    [1, 40, 9],
    [40, 1, 9],
  ])('gemm %d×%d×%d', (m, n, k) => {
    for (const [ta, tb] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ] as const) {
      const [a, b, c] = [normals(1, m * k), normals(2, k * n), normals(3, m * n)];
      const shape = (rows: number, columns: number, flip: number, values: Float64Array) =>
        flip
          ? { rows: columns, columns: rows, ld: rows + 3, values: transposed(rows, columns, values) }
          : { rows, columns, ld: columns + 3, values };
      const blocks = { a: shape(m, k, ta, a), b: shape(k, n, tb, b), c: { rows: m, columns: n, ld: n + 2, values: c } };
      const { kernels, pointer, scratch, read, untouched } = stage(z, blocks, (s) => s.gemmScratchBytes(z, m, n, k));
      const [lda, ldb] = [blocks.a.ld * z, blocks.b.ld * z];
      const { gemm } = kernels;
      gemm(z, 1, m, n, k, 2, pointer('a'), lda, 0, ta, pointer('b'), ldb, 0, tb, 0.5, pointer('c'), (n + 2) * z, 0, 0, scratch);
      expect(
        distance(
          read('c'),
          product(m, n, k, a, b).map((x, i) => 2 * x + 0.5 * at(c, i)),
        ),
      ).toBeLessThan(tolerance);
      expect(untouched()).toBe(true);
    }
  });

  test.each([1, 6, 35, 70])('gemm of a symmetric result %d', (n) => {
    const a = normals(4, n * 9);
    const blocks = { a: { rows: n, columns: 9, ld: 11, values: a }, c: { rows: n, columns: n, ld: n + 1 } };
    const { kernels, pointer, scratch, read, untouched } = stage(z, blocks, (s) => s.gemmScratchBytes(z, n, n, 9));
    kernels.gemm(z, 1, n, n, 9, 1, pointer('a'), 11 * z, 0, 0, pointer('a'), 11 * z, 0, 1, 0, pointer('c'), (n + 1) * z, 0, 1, scratch);
    expect(distance(read('c'), product(n, n, 9, a, transposed(n, 9, a)))).toBeLessThan(tolerance);
    expect(untouched()).toBe(true);
  });

  test.each([1, 2, 31, 32, 33, 70, 130])('eigh %d', (n) => {
    const a = gramMatrix(n, n, n);
    const blocks = {
      a: { rows: n, columns: n, ld: n + 3, values: a },
      w: { rows: 1, columns: n, ld: n },
      v: { rows: n, columns: n, ld: n + 1 },
    };
    const { kernels, pointer, scratch, read, untouched } = stage(z, blocks, (s) => s.eighScratchBytes(z, n));
    expect(kernels.eigh(z, n, pointer('a'), (n + 3) * z, pointer('w'), pointer('v'), (n + 1) * z, scratch)).toBe(0);
    const [w, v] = [read('w'), read('v')];
    const rebuilt = product(
      n,
      n,
      n,
      v.map((x, i) => x * at(w, i % n)),
      transposed(n, n, v),
    );
    expect(distance(rebuilt, a)).toBeLessThan(tolerance);
    expect(untouched()).toBe(true);
  });

  test.each([
    [1, 1, 0],
    [9, 5, 0],
    [5, 9, 0],
    [40, 33, 0],
    [130, 129, 0],
    [40, 33, 5],
    [70, 66, 40],
    [150, 40, 35],
    [9, 30, 0],
  ])('orthonormalize %d×%d, %d zero columns', (m, n, zeros) => {
    const x = normals(m, m * n).map((e, i) => (i % n < zeros ? 0 : e));
    const blocks = {
      x: { rows: m, columns: n, ld: n + 3, values: x },
      q: { rows: m, columns: n, ld: n + 1 },
      r: { rows: n, columns: n, ld: n + 2 },
    };
    const { kernels, pointer, scratch, read, untouched } = stage(z, blocks, (s) => s.orthonormalizeScratchBytes(z, m, n));
    const { orthonormalize } = kernels;
    const [ldx, ldq, ldr] = [(n + 3) * z, (n + 1) * z, (n + 2) * z];
    const deferred = orthonormalize(z, m, n, pointer('x'), ldx, pointer('q'), ldq, pointer('r'), ldr, 1, 1e-6, scratch);
    expect(deferred).toBe(zeros + Math.max(0, n - zeros - m));
    expect(distance(product(m, n, n, read('q'), read('r')), x)).toBeLessThan(tolerance);
    expect(untouched()).toBe(true);
    const q = read('q');
    expect(orthonormalize(z, m, n, pointer('x'), ldx, pointer('x'), ldx, 0, 0, 1, 1e-6, scratch)).toBe(deferred);
    expect(distance(read('x'), q)).toBe(0);
  });

  test.each([1, 31, 33, 70])('cholesky and solveTriangular %d', (n) => {
    const a = gramMatrix(n, n + 5, n);
    const b = normals(8, n * 5);
    const blocks = {
      a: { rows: n, columns: n, ld: n + 3, values: a },
      l: { rows: n, columns: n, ld: n + 1 },
      b: { rows: n, columns: 5, ld: 7, values: b },
      x: { rows: n, columns: 5, ld: 6 },
    };
    const bytesNeeded = (s: Kernels): number => Math.max(s.choleskyScratchBytes(z, n), s.solveTriangularScratchBytes(z, n, 5));
    const { kernels, pointer, scratch, read, untouched } = stage(z, blocks, bytesNeeded);
    expect(kernels.cholesky(z, n, pointer('a'), (n + 3) * z, pointer('l'), (n + 1) * z, scratch)).toBe(0);
    expect(distance(product(n, n, n, read('l'), transposed(n, n, read('l'))), a)).toBeLessThan(tolerance);
    for (const transpose of [0, 1]) {
      kernels.solveTriangular(z, n, 5, pointer('l'), (n + 1) * z, transpose, pointer('b'), 7 * z, pointer('x'), 6 * z, scratch);
      const l = transpose ? transposed(n, n, read('l')) : read('l');
      expect(distance(product(n, 5, n, l, read('x')), b)).toBeLessThan(100 * tolerance);
    }
    expect(untouched()).toBe(true);
  });

  test('gemm of a batch steps every operand', () => {
    const [batch, n] = [3, 5];
    const [a, b] = [normals(5, batch * n * n), normals(6, n * n)];
    const blocks = {
      a: { rows: batch * n, columns: n, ld: n, values: a },
      b: { rows: n, columns: n, ld: n, values: b },
      c: { rows: batch * n, columns: n, ld: n + 4 },
    };
    const { kernels, pointer, scratch, read, untouched } = stage(z, blocks, (s) => s.gemmScratchBytes(z, n, n, n));
    const [line, ldc] = [n * z, (n + 4) * z];
    kernels.gemm(
      z,
      batch,
      n,
      n,
      n,
      1,
      pointer('a'),
      line,
      n * line,
      0,
      pointer('b'),
      line,
      0,
      0,
      0,
      pointer('c'),
      ldc,
      n * ldc,
      0,
      scratch,
    );
    expect(distance(read('c'), product(batch * n, n, n, a, b))).toBeLessThan(tolerance);
    expect(untouched()).toBe(true);
  });
});

test('gram with leading dimensions', () => {
  const [d, k] = [300, 7];
  const memory = new WebAssembly.Memory({ initial: 4 });
  const kernels = instantiateKernels(memory, false);
  const x = new Float32Array(memory.buffer, 64, d * 9).fill(777);
  const c = new Float64Array(memory.buffer, 16_384, k * 8).fill(777);
  const dense = Float32Array.from(normals(7, d * k));
  for (let i = 0; i < d; i++) x.set(dense.subarray(i * k, i * k + k), i * 9);
  const end = 20_000 + kernels.gramScratchBytes(d, k);
  new Uint8Array(memory.buffer, end, 64).fill(99);
  kernels.gram(d, k, 64, 9 * 4, 16_384, 8 * 8, 20_000);
  const expected = product(k, k, d, transposed(d, k, dense), dense);
  for (let i = 0; i < k; i++) {
    expect(distance(c.subarray(i * 8, i * 8 + k), expected.subarray(i * k, i * k + k))).toBeLessThan(1e-11);
    expect(c[i * 8 + k]).toBe(777);
  }
  expect(new Uint8Array(memory.buffer, end, 64).every((byte) => byte === 99)).toBe(true);
});

test('the modules import a memory and nothing else, and need no data of their own in it', () => {
  for (const fma of [false, true]) {
    const module = new WebAssembly.Module(kernelBytes(fma));
    expect(WebAssembly.Module.imports(module)).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }]);
    const memory = new WebAssembly.Memory({ initial: 1 });
    new WebAssembly.Instance(module, { env: { memory } });
    expect(new Uint8Array(memory.buffer).every((byte) => byte === 0)).toBe(true);
  }
  expect(fmaSupported()).toBe(true);
  expect(distance(kernelBytes(true), kernelBytes(false))).toBeGreaterThan(0);
});

test('sizes beyond 32 bits are what they are: no address space holds them, and that must show', () => {
  const kernels = instantiateKernels(new WebAssembly.Memory({ initial: 1 }), false);
  for (const n of [8192, 10_000, 16_384, 40_000]) {
    const matrix = 8 * n * n;
    // Four matrices of the eigenproblem; X and Q of the QR and the projection of the completion.
    expect(kernels.eighScratchBytes(8, n) / matrix).toBeGreaterThan(4);
    expect(kernels.eighScratchBytes(8, n) / matrix).toBeLessThan(4.1);
    expect(kernels.orthonormalizeScratchBytes(8, n, n) / matrix).toBeGreaterThan(3);
    expect(kernels.orthonormalizeScratchBytes(8, n, n) / matrix).toBeLessThan(3.1);
  }
});
