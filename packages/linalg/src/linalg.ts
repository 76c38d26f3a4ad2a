import { Arena } from './arena.ts';
import { LinalgError } from './error.ts';
import { fmaSupported, instantiateKernels } from './kernels.ts';
import { Precision } from './precision.ts';

export interface MatmulSize {
  m: number;
  n: number;
  k: number;
  /** Number of matrices one after another, 1 unless given; an operand of one matrix serves them all. */
  batch?: number;
}

export interface MatmulOptions<T> {
  /** A is stored [k,m]. */
  transposeA?: boolean;
  /** B is stored [n,k]. */
  transposeB?: boolean;
  /** 1 unless given. */
  alpha?: number;
  /** The factor of `add`, 1 unless given. */
  beta?: number;
  /** C, [m,n] for each of the batch. */
  add?: T;
  /** The result is known to be symmetric (m = n): half of it is computed and mirrored. */
  symmetric?: boolean;
}

export interface Eigen<T> {
  /** Ascending, [n]. */
  values: T;
  /** Eigenvector j is column j, [n,n]. */
  vectors: T;
  /** Anything but 'ok' comes with NaN in both arrays. */
  status: 'ok' | 'not-finite' | 'not-converged';
}

export interface OrthonormalizeOptions {
  /** What becomes of columns that depend on those before them: 'zero' (default), or 'complete' to an orthonormal set. */
  deficient?: 'zero' | 'complete';
  /** τ: a remainder of at most τ times the largest column norm, or what rounding leaves, counts as none. 1e-6 unless given; 0: all count. */
  tolerance?: number;
}

export interface Orthonormal<T> {
  /** Orthonormal columns, [m,n]. */
  q: T;
  /** Upper triangular with a positive diagonal, X = q·r, [n,n]. */
  r: T;
  /** How many columns depended on those before them, −1 if X was not finite (all results NaN). */
  deferred: number;
}

/** Dense linear algebra on row-major arrays; Float32Array in gives Float32Array out, Float64Array gives Float64Array. */
export interface Linalg {
  /** Whether fused multiply-add is used. */
  readonly fma: boolean;

  /** α·op(A)·op(B) + β·C: [m,k] × [k,n] → [m,n], or a batch of them. Throws LinalgError on sizes and lengths that do not fit. */
  matmul(a: Float32Array, b: Float32Array, size: MatmulSize, options?: MatmulOptions<Float32Array>): Float32Array;
  matmul(a: Float64Array, b: Float64Array, size: MatmulSize, options?: MatmulOptions<Float64Array>): Float64Array;

  /** ½(A + Aᵀ) = V·diag(λ)·Vᵀ for A [n,n]. Throws LinalgError on a wrong length. */
  eigh(a: Float32Array, n: number): Eigen<Float32Array>;
  eigh(a: Float64Array, n: number): Eigen<Float64Array>;

  /** Orthonormal columns spanning those of X [m,n], left to right; X = Q·R with R upper triangular. Throws LinalgError on a wrong length. */
  orthonormalize(x: Float32Array, m: number, n: number, options?: OrthonormalizeOptions): Orthonormal<Float32Array>;
  orthonormalize(x: Float64Array, m: number, n: number, options?: OrthonormalizeOptions): Orthonormal<Float64Array>;

  /**
   * Thin QR of X [m,n], m ≥ n, R with a positive diagonal: `orthonormalize` with tolerance 0, so that what rounding leaves of a dependent
   * column counts as a direction. Throws LinalgError on wrong sizes.
   */
  qr(x: Float32Array, m: number, n: number): Orthonormal<Float32Array>;
  qr(x: Float64Array, m: number, n: number): Orthonormal<Float64Array>;

  /** L with A = L·Lᵀ from the lower triangle of A [n,n]; all NaN if A is not positive definite. Throws LinalgError on a wrong length. */
  cholesky(a: Float32Array, n: number): Float32Array;
  cholesky(a: Float64Array, n: number): Float64Array;

  /** op(L)⁻¹·B for L lower triangular [n,n], B [n,r]. Throws LinalgError on wrong lengths. */
  solveTriangular(l: Float32Array, b: Float32Array, n: number, r: number, options?: { transpose?: boolean }): Float32Array;
  solveTriangular(l: Float64Array, b: Float64Array, n: number, r: number, options?: { transpose?: boolean }): Float64Array;

  /** XᵀX for X [d,k], accumulated and returned in float64. Throws LinalgError on a wrong length. */
  gram(x: Float32Array, d: number, k: number): Float64Array;
}

/** An instance with a memory of its own. `fma: false` forbids fused multiply-add, whose rounding differs between machines. */
export const linalg = (options: { fma?: boolean } = {}): Linalg => {
  only('linalg', options, ['fma']);
  const { fma: wanted = true } = options;
  if (typeof wanted !== 'boolean') throw new LinalgError('bad-option', 'fma', `fma: ${String(wanted)} is neither true nor false`);
  const fma = wanted && fmaSupported();
  const arena = new Arena();
  const kernels = instantiateKernels(arena.memory, fma);
  const single = new Precision<Float32Array>(
    arena,
    kernels,
    4,
    (buffer, at, length) => new Float32Array(buffer, at, length),
    (view) => view.slice(),
  );
  const double = new Precision<Float64Array>(
    arena,
    kernels,
    8,
    (buffer, at, length) => new Float64Array(buffer, at, length),
    (view) => view.slice(),
  );

  function matmul(a: Float32Array, b: Float32Array, size: MatmulSize, options?: MatmulOptions<Float32Array>): Float32Array;
  function matmul(a: Float64Array, b: Float64Array, size: MatmulSize, options?: MatmulOptions<Float64Array>): Float64Array;
  function matmul(
    a: Float32Array | Float64Array,
    b: Float32Array | Float64Array,
    sizes: MatmulSize,
    given: MatmulOptions<Float32Array | Float64Array> = {},
  ): Float32Array | Float64Array {
    only('matmul: size', sizes, ['m', 'n', 'k', 'batch']);
    only('matmul', given, ['transposeA', 'transposeB', 'alpha', 'beta', 'add', 'symmetric']);
    const { m, n, k, batch = 1 } = sizes;
    const { transposeA = false, transposeB = false, alpha = 1, beta = 1, symmetric = false, add } = given;
    natural({ m, n, k, batch });
    numeric({ alpha, beta });
    if (symmetric && m !== n) throw new LinalgError('bad-option', 'symmetric', `symmetric: the result is ${m}×${n}, not square`);
    shared('a', a, m * k, batch);
    shared('b', b, k * n, batch);
    if (add !== undefined) sized('add', add, batch * m * n);
    const product = { batch, m, n, k, alpha, beta, transposeA, transposeB, symmetric };
    if (isSingle('a', a)) return single.matmul(a, asSingle('b', b), add && asSingle('add', add), product);
    return double.matmul(a, asDouble('b', b), add && asDouble('add', add), product);
  }

  function eigh(a: Float32Array, n: number): Eigen<Float32Array>;
  function eigh(a: Float64Array, n: number): Eigen<Float64Array>;
  function eigh(a: Float32Array | Float64Array, n: number): Eigen<Float32Array | Float64Array> {
    natural({ n });
    sized('a', a, n * n);
    const { values, vectors, status } = isSingle('a', a) ? single.eigh(a, n) : double.eigh(a, n);
    return { values, vectors, status: status === 0 ? 'ok' : status === 1 ? 'not-finite' : 'not-converged' };
  }

  function orthonormalize(x: Float32Array, m: number, n: number, options?: OrthonormalizeOptions): Orthonormal<Float32Array>;
  function orthonormalize(x: Float64Array, m: number, n: number, options?: OrthonormalizeOptions): Orthonormal<Float64Array>;
  function orthonormalize(
    x: Float32Array | Float64Array,
    m: number,
    n: number,
    options: OrthonormalizeOptions = {},
  ): Orthonormal<Float32Array | Float64Array> {
    only('orthonormalize', options, ['deficient', 'tolerance']);
    const { deficient = 'zero', tolerance = 1e-6 } = options;
    numeric({ tolerance });
    natural({ m, n });
    sized('x', x, m * n);
    if (!(tolerance >= 0)) throw new LinalgError('bad-option', 'tolerance', `tolerance: ${tolerance} is not a number ≥ 0`);
    if (deficient !== 'zero' && deficient !== 'complete')
      throw new LinalgError('bad-option', 'deficient', `deficient: ${String(deficient)} is neither 'zero' nor 'complete'`);
    const complete = deficient === 'complete';
    return isSingle('x', x) ? single.orthonormalize(x, m, n, complete, tolerance) : double.orthonormalize(x, m, n, complete, tolerance);
  }

  function qr(x: Float32Array, m: number, n: number): Orthonormal<Float32Array>;
  function qr(x: Float64Array, m: number, n: number): Orthonormal<Float64Array>;
  function qr(x: Float32Array | Float64Array, m: number, n: number): Orthonormal<Float32Array | Float64Array> {
    natural({ m, n });
    sized('x', x, m * n);
    if (m < n) throw new LinalgError('bad-size', 'm', `m: a thin QR needs m ≥ n, got ${m} < ${n}`);
    return isSingle('x', x) ? single.orthonormalize(x, m, n, false, 0) : double.orthonormalize(x, m, n, false, 0);
  }

  function cholesky(a: Float32Array, n: number): Float32Array;
  function cholesky(a: Float64Array, n: number): Float64Array;
  function cholesky(a: Float32Array | Float64Array, n: number): Float32Array | Float64Array {
    natural({ n });
    sized('a', a, n * n);
    return isSingle('a', a) ? single.cholesky(a, n) : double.cholesky(a, n);
  }

  function solveTriangular(l: Float32Array, b: Float32Array, n: number, r: number, options?: { transpose?: boolean }): Float32Array;
  function solveTriangular(l: Float64Array, b: Float64Array, n: number, r: number, options?: { transpose?: boolean }): Float64Array;
  function solveTriangular(
    l: Float32Array | Float64Array,
    b: Float32Array | Float64Array,
    n: number,
    r: number,
    options: { transpose?: boolean } = {},
  ): Float32Array | Float64Array {
    only('solveTriangular', options, ['transpose']);
    const { transpose = false } = options;
    natural({ n, r });
    sized('l', l, n * n);
    sized('b', b, n * r);
    if (isSingle('l', l)) return single.solveTriangular(l, asSingle('b', b), n, r, transpose);
    return double.solveTriangular(l, asDouble('b', b), n, r, transpose);
  }

  const gram = (x: Float32Array, d: number, k: number): Float64Array => {
    natural({ d, k });
    sized('x', x, d * k);
    const [px, pc, ps] = arena.layout([d * k * 4, k * k * 8, kernels.gramScratchBytes(d, k)]);
    new Float32Array(arena.memory.buffer, px, d * k).set(asSingle('x', x));
    kernels.gram(d, k, px, k * 4, pc, k * 8, ps);
    return new Float64Array(arena.memory.buffer, pc, k * k).slice();
  };

  return { fma, matmul, eigh, orthonormalize, qr, cholesky, solveTriangular, gram };
};

const natural = (sizes: Record<string, number>): void => {
  for (const [name, size] of Object.entries(sizes)) {
    if (!Number.isInteger(size) || size < 0) throw new LinalgError('bad-size', name, `${name}: ${size} is not a natural number`);
  }
};

/** Options are an object of these names: what is misspelled is not ignored. */
const only = (what: string, given: unknown, known: readonly string[]): void => {
  if (typeof given !== 'object' || given === null)
    throw new LinalgError('bad-option', 'options', `options: ${what} takes an object of ${known.join(', ')}, received ${String(given)}`);
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new LinalgError('bad-option', unknown, `${unknown}: ${what} has no such option, known are ${known.join(', ')}`);
};

const numeric = (values: Record<string, number>): void => {
  for (const [name, value] of Object.entries(values)) {
    if (typeof value !== 'number') throw new LinalgError('bad-option', name, `${name}: ${String(value)} is not a number`);
  }
};

const sized = (name: string, array: { length: number }, length: number): void => {
  if (!ArrayBuffer.isView(array)) throw badType(name, 'Float32Array or Float64Array');
  if (array.length !== length) throw new LinalgError('bad-length', name, `${name}: ${array.length} elements where ${length} are needed`);
};

/** One matrix, or one for each of the batch. */
const shared = (name: string, array: { length: number }, length: number, batch: number): void => {
  if (array.length !== length) sized(name, array, batch * length);
};

const badType = (name: string, wanted: string): LinalgError => new LinalgError('bad-type', name, `${name}: not a ${wanted}`);

const isSingle = (name: string, array: Float32Array | Float64Array): array is Float32Array => {
  if (array instanceof Float32Array) return true;
  if (array instanceof Float64Array) return false;
  throw badType(name, 'Float32Array or Float64Array');
};

const asSingle = (name: string, array: Float32Array | Float64Array): Float32Array => {
  if (array instanceof Float32Array) return array;
  throw badType(name, 'Float32Array like the other operands');
};

const asDouble = (name: string, array: Float32Array | Float64Array): Float64Array => {
  if (array instanceof Float64Array) return array;
  throw badType(name, 'Float64Array like the other operands');
};
