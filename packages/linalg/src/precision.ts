import type { Arena } from './arena.ts';
import type { Cholesky, Eigh, GemmBatched, Orthonormalize, SolveTriangular } from './kernels.ts';

/** The kernels of one precision. */
export interface PrecisionKernels {
  gemmBatched: GemmBatched;
  gemmScratchBytes(m: number, n: number, k: number): number;
  eigh: Eigh;
  eighScratchBytes(n: number): number;
  orthonormalize: Orthonormalize;
  orthonormalizeScratchBytes(m: number, n: number): number;
  cholesky: Cholesky;
  choleskyScratchBytes(n: number): number;
  solveTriangular: SolveTriangular;
  solveTriangularScratchBytes(n: number, r: number): number;
}

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
  readonly #kernels: PrecisionKernels;
  readonly #view: (buffer: ArrayBuffer, at: number, length: number) => T;
  readonly #copy: (view: T) => T;
  readonly #bytes: number;

  constructor(
    arena: Arena,
    kernels: PrecisionKernels,
    bytes: number,
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
    const size = batch * m * n;
    const scratch = this.#kernels.gemmScratchBytes(m, n, k);
    const [pa, pb, pc, ps] = this.#arena.layout([a.length * this.#bytes, b.length * this.#bytes, size * this.#bytes, scratch]);
    this.#put(pa, a);
    this.#put(pb, b);
    if (add !== undefined) this.#put(pc, add);
    const strideA = a.length === m * k ? 0 : m * k;
    const strideB = b.length === k * n ? 0 : k * n;
    const [lda, ldb] = [transposeA ? m : k, transposeB ? k : n];
    const [ta, tb] = [Number(transposeA), Number(transposeB)];
    // Without an addend the output memory holds leftovers, which β = 0 never reads.
    const gemm = this.#kernels.gemmBatched;
    gemm(batch, m, n, k, alpha, pa, lda, strideA, ta, pb, ldb, strideB, tb, add ? beta : 0, pc, n, m * n, Number(symmetric), ps);
    return this.#take(pc, size);
  }

  eigh(a: T, n: number): { values: T; vectors: T; status: number } {
    const size = n * n * this.#bytes;
    const [pa, pv, ps] = this.#arena.layout([size, n * this.#bytes, this.#kernels.eighScratchBytes(n)]);
    this.#put(pa, a);
    const status = this.#kernels.eigh(n, pa, n, pv, pa, n, ps);
    return { values: this.#take(pv, n), vectors: this.#take(pa, n * n), status };
  }

  orthonormalize(x: T, m: number, n: number, complete: boolean, tolerance: number): { q: T; r: T; deferred: number } {
    const scratch = this.#kernels.orthonormalizeScratchBytes(m, n);
    const [px, pr, ps] = this.#arena.layout([m * n * this.#bytes, n * n * this.#bytes, scratch]);
    this.#put(px, x);
    const deferred = this.#kernels.orthonormalize(m, n, px, n, px, n, pr, n, Number(complete), tolerance, ps);
    return { q: this.#take(px, m * n), r: this.#take(pr, n * n), deferred };
  }

  cholesky(a: T, n: number): T {
    const [pa, ps] = this.#arena.layout([n * n * this.#bytes, this.#kernels.choleskyScratchBytes(n)]);
    this.#put(pa, a);
    this.#kernels.cholesky(n, pa, n, pa, n, ps);
    return this.#take(pa, n * n);
  }

  solveTriangular(l: T, b: T, n: number, r: number, transpose: boolean): T {
    const scratch = this.#kernels.solveTriangularScratchBytes(n, r);
    const [pl, pb, ps] = this.#arena.layout([n * n * this.#bytes, n * r * this.#bytes, scratch]);
    this.#put(pl, l);
    this.#put(pb, b);
    this.#kernels.solveTriangular(n, r, pl, n, Number(transpose), pb, r, pb, r, ps);
    return this.#take(pb, n * r);
  }

  #put(at: number, source: T): void {
    this.#view(this.#arena.memory.buffer, at, source.length).set(source);
  }

  #take(at: number, length: number): T {
    return this.#copy(this.#view(this.#arena.memory.buffer, at, length));
  }
}
