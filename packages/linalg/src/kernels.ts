/// <reference lib="dom" preserve="true" />
import { decodeKernels } from './decode.ts';

/**
 * Dense kernels over one linear memory. Their first argument `z` is the size of an element: 4 for float32, 8 for float64. Every pointer is a
 * byte address, every `ld*` and `stride*` counts bytes, matrices are row-major, flags are 0 or 1. Inputs and outputs must be aligned to
 * their element and must not overlap unless said otherwise. `scratch` is aligned to 16 bytes and at least as long as the matching
 * `...ScratchBytes` says; its contents before and after mean nothing. No kernel allocates, grows the memory, keeps state between calls or
 * throws.
 */
export interface Kernels {
  /**
   * C ← α·op(A)·op(B) + β·C on `batch` matrices, `stride*` apart (0 = the same matrix again; not for C). op(A): [m,k], op(B): [k,n],
   * C: [m,n]; `transposeA` = 1 means A is stored [k,m]. β = 0 never reads C. `symmetric` = 1 where the result is known to be: its lower
   * triangle of tiles is computed and mirrored.
   */
  gemm(
    z: ElementSize,
    batch: number,
    m: number,
    n: number,
    k: number,
    alpha: number,
    a: number,
    lda: number,
    strideA: number,
    transposeA: number,
    b: number,
    ldb: number,
    strideB: number,
    transposeB: number,
    beta: number,
    c: number,
    ldc: number,
    strideC: number,
    symmetric: number,
    scratch: number,
  ): void;
  gemmScratchBytes(z: ElementSize, m: number, n: number, k: number): number;

  /**
   * Eigenvalues (ascending, [n]) and eigenvectors (columns of [n,n]) of the symmetric part of A. Returns 0; 1 if A holds a NaN or an
   * infinity, 2 if the iteration did not converge: both outputs are then NaN. `vectors` may be A itself.
   */
  eigh(z: ElementSize, n: number, a: number, lda: number, values: number, vectors: number, ldv: number, scratch: number): number;
  eighScratchBytes(z: ElementSize, n: number): number;

  /**
   * Q of the thin QR of X [m,n], R with a positive diagonal. A column whose remainder is ≤ τ·(largest column norm of X) is deferred: 0 when
   * `complete` = 0, else refilled by the completion rule; 0 < τ is taken as at least what rounding leaves, about 10⁻¹⁶·√m. `r` = 0 skips R,
   * otherwise R: [n,n] (upper; QᵀX where columns were deferred). Returns the number of deferred columns, or −1 if X holds a NaN or an infinity: the outputs are then NaN. `q` may be `x`.
   */
  orthonormalize(
    z: ElementSize,
    m: number,
    n: number,
    x: number,
    ldx: number,
    q: number,
    ldq: number,
    r: number,
    ldr: number,
    complete: number,
    tau: number,
    scratch: number,
  ): number;
  orthonormalizeScratchBytes(z: ElementSize, m: number, n: number): number;

  /** L with L·Lᵀ = A, upper triangle of L zero; reads the lower triangle of A. Returns 0, or 1 (L all NaN) if A is not positive definite. `l` may be `a`. */
  cholesky(z: ElementSize, n: number, a: number, lda: number, l: number, ldl: number, scratch: number): number;
  choleskyScratchBytes(z: ElementSize, n: number): number;

  /** X with op(L)·X = B, L lower triangular [n,n] (upper triangle never read), X, B: [n,r]; op is the transpose if `transpose` = 1. `x` may be `b`. */
  solveTriangular(
    z: ElementSize,
    n: number,
    r: number,
    l: number,
    ldl: number,
    transpose: number,
    b: number,
    ldb: number,
    x: number,
    ldx: number,
    scratch: number,
  ): void;
  solveTriangularScratchBytes(z: ElementSize, n: number, r: number): number;

  /**
   * The transpose of a matrix [rows, columns], into lines of `height` ≥ `rows` elements, zeros behind the last row: element (p, r) of the
   * result is element (r, p) of the source.
   */
  transpose(z: ElementSize, height: number, rows: number, columns: number, from: number, ldFrom: number, to: number, ldTo: number): void;

  /** C ← XᵀX in float64 from float32 X [d,k]; C: [k,k] float64. */
  gram(d: number, k: number, x: number, ldx: number, c: number, ldc: number, scratch: number): void;
  gramScratchBytes(d: number, k: number): number;

  /** The stable ascending order of the n entries of each line, written to `out` as float64. `scratch`: 8n bytes. */
  argsort(z: ElementSize, lines: number, n: number, from: number, out: number, scratch: number): void;
  /**
   * `count` counter-based draws number `call` of (seed, stream) (Philox 4×32-10): uniform in (0, 1), normal, or ±1 where `distribution`
   * is 0, 1, 2. The same for the same key and call, however many are asked for.
   */
  random(z: ElementSize, to: number, count: number, call: number, seed: number, stream: number, distribution: number): void;

  /** Functions of two float64 at a time: vectors in and out, so only another module can call them. */
  exp: VectorFunction;
  expm1: VectorFunction;
  log: VectorFunction;
  pow: VectorFunction;
  sin: VectorFunction;
  cos: VectorFunction;
}

/** Bytes of an element: float32 or float64. */
export type ElementSize = 4 | 8;

/** To be imported by another module, as v128 → v128, or (v128, v128) → v128; JavaScript can't call it. */
export type VectorFunction = WebAssembly.ExportValue;

/** Bytes in memory of their own: `Uint8Array<ArrayBuffer>` for compilers that know of it, TypeScript 5.7 on. */
type OwnBytes = ReturnType<Uint8Array['slice']>;

/** The bytes of the kernel module, plain SIMD or with relaxed-SIMD fused multiply-add; it imports `env.memory`. */
export const kernelBytes = (fma: boolean): OwnBytes => decodeKernels(fma);

let supported: boolean | undefined;

/** Whether this engine takes fused multiply-add (Node 20 does not unless told to). */
export const fmaSupported = (): boolean => (supported ??= WebAssembly.validate(decodeKernels(true)));

const compiled = new Map<boolean, WebAssembly.Module>();

/** The compiled module, compiled once per realm; fused multiply-add where the engine has it unless `fma` says otherwise. */
export const kernelModule = (fma: boolean = fmaSupported()): WebAssembly.Module => {
  let module = compiled.get(fma);
  if (module === undefined) {
    module = new WebAssembly.Module(decodeKernels(fma));
    compiled.set(fma, module);
  }
  return module;
};

/** The kernels working in `memory` (32-bit, not shared), instantiated synchronously. */
export const instantiateKernels = (memory: WebAssembly.Memory, fma: boolean = fmaSupported()): Kernels =>
  // WebAssembly exports are untyped; the interface is the contract of assembly/index.ts, and a test calls every member.
  new WebAssembly.Instance(kernelModule(fma), { env: { memory } }).exports as unknown as Kernels;
