import type { Arena } from './arena.ts';
import type { ElementSize, Kernels } from './kernels.ts';

/** What both array types have. */
export interface Reals {
  readonly length: number;
  set(source: ArrayLike<number>): void;
  readonly [index: number]: number;
}

export interface Product {
  batch: number;
  m: number;
  n: number;
  k: number;
  alpha: number;
  beta: number;
  transposeA: boolean;
  transposeB: boolean;
  symmetric: boolean;
}

/** Checked calls of one precision: copies in, runs the kernel, copies out. */
export class Precision<T extends Reals> {
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  readonly #view: (buffer: ArrayBuffer, at: number, length: number) => T;
  readonly #copy: (view: T) => T;
  readonly #bytes: ElementSize;

  constructor(
    arena: Arena,
    kernels: Kernels,
    bytes: ElementSize,
    view: (buffer: ArrayBuffer, at: number, length: number) => T,
    copy: (view: T) => T,
  ) {
    this.#arena = arena;
    this.#kernels = kernels;
    this.#bytes = bytes;
    this.#view = view;
    this.#copy = copy;
  }

  matmul(a: T, b: T, add: T | undefined, { batch, m, n, k, alpha, beta, transposeA, transposeB, symmetric }: Product): T {
    const z = this.#bytes;
    const size = batch * m * n;
    const scratch = this.#kernels.gemmScratchBytes(z, m, n, k);
    const [pa, pb, pc, ps] = this.#arena.layout([a.length * z, b.length * z, size * z, scratch]);
    this.#put(pa, a);
    this.#put(pb, b);
    if (add !== undefined) this.#put(pc, add);
    const strideA = a.length === m * k ? 0 : m * k * z;
    const strideB = b.length === k * n ? 0 : k * n * z;
    const [lda, ldb] = [(transposeA ? m : k) * z, (transposeB ? k : n) * z];
    const [ta, tb] = [Number(transposeA), Number(transposeB)];
    // Without an addend the output memory holds leftovers, which β = 0 never reads.
    const { gemm } = this.#kernels;
    gemm(z, batch, m, n, k, alpha, pa, lda, strideA, ta, pb, ldb, strideB, tb, add ? beta : 0, pc, n * z, m * n * z, Number(symmetric), ps);
    return this.#take(pc, size);
  }

  eigh(a: T, n: number): { values: T; vectors: T; status: number } {
    const z = this.#bytes;
    const [pa, pv, ps] = this.#arena.layout([n * n * z, n * z, this.#kernels.eighScratchBytes(z, n)]);
    this.#put(pa, a);
    const status = this.#kernels.eigh(z, n, pa, n * z, pv, pa, n * z, ps);
    return { values: this.#take(pv, n), vectors: this.#take(pa, n * n), status };
  }

  orthonormalize(x: T, m: number, n: number, complete: boolean, tolerance: number): { q: T; r: T; deferred: number } {
    const z = this.#bytes;
    const scratch = this.#kernels.orthonormalizeScratchBytes(z, m, n);
    const [px, pr, ps] = this.#arena.layout([m * n * z, n * n * z, scratch]);
    this.#put(px, x);
    const deferred = this.#kernels.orthonormalize(z, m, n, px, n * z, px, n * z, pr, n * z, Number(complete), tolerance, ps);
    return { q: this.#take(px, m * n), r: this.#take(pr, n * n), deferred };
  }

  cholesky(a: T, n: number): T {
    const z = this.#bytes;
    const [pa, ps] = this.#arena.layout([n * n * z, this.#kernels.choleskyScratchBytes(z, n)]);
    this.#put(pa, a);
    this.#kernels.cholesky(z, n, pa, n * z, pa, n * z, ps);
    return this.#take(pa, n * n);
  }

  solveTriangular(l: T, b: T, n: number, r: number, transpose: boolean): T {
    const z = this.#bytes;
    const scratch = this.#kernels.solveTriangularScratchBytes(z, n, r);
    const [pl, pb, ps] = this.#arena.layout([n * n * z, n * r * z, scratch]);
    this.#put(pl, l);
    this.#put(pb, b);
    this.#kernels.solveTriangular(z, n, r, pl, n * z, Number(transpose), pb, r * z, pb, r * z, ps);
    return this.#take(pb, n * r);
  }

  #put(at: number, source: T): void {
    this.#view(this.#arena.memory.buffer, at, source.length).set(source);
  }

  #take(at: number, length: number): T {
    return this.#copy(this.#view(this.#arena.memory.buffer, at, length));
  }
}
