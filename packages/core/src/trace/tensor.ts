import type { BinaryOp, DType, UnaryOp } from '../program/program.ts';
import type { Shape } from '../program/shape.ts';
import { broadcastTo, gather, permute, reshape, row, setRow, slice } from './arrange.ts';
import { argsort, cast, combine, map, reduce } from './elementwise.ts';
import type { Residence, Traced } from './graph.ts';
import { cholesky, contract, eigh, orthonormalize, type ProductOptions, solveTriangular } from './linear-algebra.ts';
import { lerp } from './select.ts';

export type MatmulOptions = ProductOptions<Tensor>;

export interface ReduceOptions {
  /** Keep the reduced axes as axes of size 1. */
  readonly keep?: boolean;
}

/**
 * A symbolic value: it stands for what will be computed when the traced program runs. Elementwise operations broadcast
 * as in NumPy; booleans are 0 and 1; results are IEEE's (0/0 is NaN) unless noted.
 */
export class Tensor implements Traced {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly at: Residence;

  constructor(shape: Shape, dtype: DType, at: Residence) {
    this.shape = shape;
    this.dtype = dtype;
    this.at = at;
  }

  // Elementwise, one operand.
  neg(): Tensor {
    return this.unary('neg');
  }
  abs(): Tensor {
    return this.unary('abs');
  }
  /** −1, 0 or 1. */
  sign(): Tensor {
    return this.unary('sign');
  }
  sqrt(): Tensor {
    return this.unary('sqrt');
  }
  square(): Tensor {
    return this.mul(this);
  }
  exp(): Tensor {
    return this.unary('exp');
  }
  log(): Tensor {
    return this.unary('log');
  }
  /** eˣ − 1, exact near 0. */
  expm1(): Tensor {
    return this.unary('expm1');
  }
  floor(): Tensor {
    return this.unary('floor');
  }
  sin(): Tensor {
    return this.unary('sin');
  }
  cos(): Tensor {
    return this.unary('cos');
  }
  /** 1 where the value is neither NaN nor infinite. */
  isFinite(): Tensor {
    return this.unary('isFinite');
  }
  /** 1 − x: the negation of a condition, the complement of a weight. */
  not(): Tensor {
    return tensorOf(combine('sub', 1, this));
  }
  reciprocal(): Tensor {
    return tensorOf(combine('div', 1, this));
  }

  // Elementwise, two operands.
  add(other: Tensor | number): Tensor {
    return this.binary('add', other);
  }
  sub(other: Tensor | number): Tensor {
    return this.binary('sub', other);
  }
  mul(other: Tensor | number): Tensor {
    return this.binary('mul', other);
  }
  div(other: Tensor | number): Tensor {
    return this.binary('div', other);
  }
  /** The larger of two values; unspecified if either is NaN. For the largest element see `maximum`. */
  max(other: Tensor | number): Tensor {
    return this.binary('max', other);
  }
  /** The smaller of two values; unspecified if either is NaN. */
  min(other: Tensor | number): Tensor {
    return this.binary('min', other);
  }
  pow(other: Tensor | number): Tensor {
    return this.binary('pow', other);
  }
  /** |x| with the sign bit of `other`. */
  copySign(other: Tensor | number): Tensor {
    return this.binary('copySign', other);
  }
  lt(other: Tensor | number): Tensor {
    return this.binary('lt', other);
  }
  le(other: Tensor | number): Tensor {
    return this.binary('le', other);
  }
  gt(other: Tensor | number): Tensor {
    return tensorOf(combine('lt', other, this));
  }
  ge(other: Tensor | number): Tensor {
    return tensorOf(combine('le', other, this));
  }
  eq(other: Tensor | number): Tensor {
    return this.binary('eq', other);
  }
  /** (x − w·x) + w·other: x for w = 0, other for w = 1, what both are where they agree, and no overflow between. */
  lerp(other: Tensor | number, weight: Tensor | number): Tensor {
    return tensorOf(lerp(this, other, weight));
  }

  // Reductions; all axes unless some are named (negative ones count from the end).
  sum(axes?: readonly number[], options: ReduceOptions = {}): Tensor {
    return tensorOf(reduce('sum', this, axes, options.keep ?? false));
  }
  /** The largest element; unspecified if one is NaN. */
  maximum(axes?: readonly number[], options: ReduceOptions = {}): Tensor {
    return tensorOf(reduce('maximum', this, axes, options.keep ?? false));
  }
  mean(axes?: readonly number[], options: ReduceOptions = {}): Tensor {
    const total = this.sum(axes, options);
    const count =
      this.shape.reduce((a, b) => a * b, 1) /
      Math.max(
        1,
        total.shape.reduce((a, b) => a * b, 1),
      );
    return total.div(count);
  }

  // Shapes.
  reshape(shape: Shape): Tensor {
    return tensorOf(reshape(this, shape));
  }
  /** The axes in the order `permutation`; without one, the last two are swapped. */
  transpose(permutation?: readonly number[]): Tensor {
    return tensorOf(permute(this, permutation));
  }
  /** The matrix, its last two axes swapped. */
  get T(): Tensor {
    return tensorOf(permute(this, undefined));
  }
  broadcastTo(shape: Shape): Tensor {
    return tensorOf(broadcastTo(this, shape));
  }
  /** Elements [start, end) along each axis; where one is missing, from the beginning or to the end. */
  slice(starts: readonly number[], ends: readonly number[] = []): Tensor {
    return tensorOf(slice(this, starts, ends));
  }
  /** Entries `index` (a vector of positions) along `axis`, in that order. */
  gather(index: Tensor, axis: number): Tensor {
    return tensorOf(gather(this, index, axis));
  }
  /** Entry `index` (a scalar) of the first axis. */
  row(index: Tensor | number): Tensor {
    return tensorOf(row(this, index));
  }
  /** A copy with entry `index` of the first axis replaced by `value`. */
  setRow(index: Tensor | number, value: Tensor): Tensor {
    return tensorOf(setRow(this, index, value));
  }
  /** The order that sorts the last axis ascending; equal elements keep their order. */
  argsort(): Tensor {
    return tensorOf(argsort(this));
  }

  // Precision.
  wide(): Tensor {
    return tensorOf(cast(this, 'wide'));
  }
  working(): Tensor {
    return tensorOf(cast(this, 'working'));
  }
  int(): Tensor {
    return tensorOf(cast(this, 'int'));
  }

  // Linear algebra over the last two axes; leading axes are a batch.
  /** alpha·op(this)·op(other) + beta·add. */
  matmul(other: Tensor, options: MatmulOptions = {}): Tensor {
    return tensorOf(contract(this, other, options));
  }
  /**
   * Eigenvalues, ascending, and eigenvectors in columns, of the symmetric part. The tolerance is relative to the matrix with
   * an absolute floor: 0 gives 0 and I. NaN gives NaN.
   */
  eigh(): { values: Tensor; vectors: Tensor } {
    const { values, vectors } = eigh(this);
    return { values: tensorOf(values), vectors: tensorOf(vectors) };
  }
  /**
   * Columns made orthonormal, left to right: each loses its part along the accepted ones, twice. What is then no longer than
   * `tolerance` times the longest input column is deferred; the rest is normalised and accepted, so R has a positive diagonal.
   * Deferred columns are 0 (`'zero'`) or refilled at the end (`'complete'`): with r_i = 1 − Σ(row i of the accepted)², unit
   * vector e_i of the smallest i with r_i ≥ (1 − 10⁻⁴)·max r, cleaned the same way.
   */
  orthonormalize(deficient: 'zero' | 'complete', tolerance = 1e-6): Tensor {
    return tensorOf(orthonormalize(this, deficient, tolerance));
  }
  /** Lower triangular L with LLᵀ = this; NaN where the matrix is not positive definite. */
  cholesky(): Tensor {
    return tensorOf(cholesky(this));
  }
  /** L⁻¹·other for this lower triangular L, or L⁻ᵀ·other. */
  solveTriangular(other: Tensor, options: { readonly transpose?: boolean } = {}): Tensor {
    return tensorOf(solveTriangular(this, other, options.transpose ?? false));
  }

  private unary(op: UnaryOp): Tensor {
    return tensorOf(map(op, this));
  }
  private binary(op: BinaryOp, other: Tensor | number): Tensor {
    return tensorOf(combine(op, this, other));
  }
}

/** A traced value with its methods. */
export const tensorOf = (value: Traced): Tensor => (value instanceof Tensor ? value : new Tensor(value.shape, value.dtype, value.at));
