import type { BinaryOp, DType, UnaryOp } from '../program/program.ts';
import type { Shape } from '../program/shape.ts';
import { broadcastTo, gather, permute, reshape, row, setRow, slice } from './arrange.ts';
import { argsort, cast, combine, lerp, map, reduce } from './elementwise.ts';
import type { Residence } from './graph.ts';
import { cholesky, contract, eigh, orthonormalize, solveTriangular } from './linear-algebra.ts';

export interface MatmulOptions {
  /** Use aᵀ. */
  readonly transposeA?: boolean;
  /** Use bᵀ. */
  readonly transposeB?: boolean;
  /** Factor of the product; default 1. */
  readonly alpha?: Tensor | number;
  /** A matrix of the result's shape that is added, times `beta`. */
  readonly add?: Tensor;
  /** Factor of `add`; default 1. */
  readonly beta?: Tensor | number;
}

export interface ReduceOptions {
  /** Keep the reduced axes as axes of size 1. */
  readonly keep?: boolean;
}

/**
 * A symbolic value: it stands for what will be computed when the traced program runs. Elementwise operations broadcast
 * as in NumPy; booleans are 0 and 1; results are IEEE's (0/0 is NaN) unless noted.
 */
export class Tensor {
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
    return combine('sub', 1, this);
  }
  reciprocal(): Tensor {
    return combine('div', 1, this);
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
    return combine('lt', other, this);
  }
  ge(other: Tensor | number): Tensor {
    return combine('le', other, this);
  }
  eq(other: Tensor | number): Tensor {
    return this.binary('eq', other);
  }
  /** (1 − w)·x + w·other: x for w = 0, other for w = 1, and what both are where they agree. */
  lerp(other: Tensor | number, weight: Tensor | number): Tensor {
    return lerp(this, other, weight);
  }

  // Reductions; all axes unless some are named (negative ones count from the end).
  sum(axes?: readonly number[], options: ReduceOptions = {}): Tensor {
    return reduce('sum', this, axes, options.keep ?? false);
  }
  /** The largest element; unspecified if one is NaN. */
  maximum(axes?: readonly number[], options: ReduceOptions = {}): Tensor {
    return reduce('maximum', this, axes, options.keep ?? false);
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
    return reshape(this, shape);
  }
  /** The axes in the order `permutation`; without one, the last two are swapped. */
  transpose(permutation?: readonly number[]): Tensor {
    return permute(this, permutation);
  }
  /** The matrix, its last two axes swapped. */
  get T(): Tensor {
    return permute(this, undefined);
  }
  broadcastTo(shape: Shape): Tensor {
    return broadcastTo(this, shape);
  }
  /** Elements [start, end) along each axis; where one is missing, from the beginning or to the end. */
  slice(starts: readonly number[], ends: readonly number[] = []): Tensor {
    return slice(this, starts, ends);
  }
  /** Entries `index` (a vector of positions) along `axis`, in that order. */
  gather(index: Tensor, axis: number): Tensor {
    return gather(this, index, axis);
  }
  /** Entry `index` (a scalar) of the first axis. */
  row(index: Tensor | number): Tensor {
    return row(this, index);
  }
  /** A copy with entry `index` of the first axis replaced by `value`. */
  setRow(index: Tensor | number, value: Tensor): Tensor {
    return setRow(this, index, value);
  }
  /** The order that sorts the last axis ascending; equal elements keep their order. */
  argsort(): Tensor {
    return argsort(this);
  }

  // Precision.
  wide(): Tensor {
    return cast(this, 'wide');
  }
  working(): Tensor {
    return cast(this, 'working');
  }
  int(): Tensor {
    return cast(this, 'int');
  }

  // Linear algebra over the last two axes; leading axes are a batch.
  /** alpha·op(this)·op(other) + beta·add. */
  matmul(other: Tensor, options: MatmulOptions = {}): Tensor {
    return contract(this, other, options);
  }
  /**
   * Eigenvalues, ascending, and eigenvectors in columns, of the symmetric part. The tolerance is relative to the matrix with
   * an absolute floor: 0 gives 0 and I. NaN gives NaN.
   */
  eigh(): { values: Tensor; vectors: Tensor } {
    return eigh(this);
  }
  /**
   * Columns made orthonormal, left to right: each loses its part along the accepted ones, twice. What is then no longer than
   * `tolerance` times the longest input column is deferred; the rest is normalised and accepted, so R has a positive diagonal.
   * Deferred columns are 0 (`'zero'`) or refilled at the end (`'complete'`): with r_i = 1 − Σ(row i of the accepted)², unit
   * vector e_i of the smallest i with r_i ≥ (1 − 10⁻⁴)·max r, cleaned the same way.
   */
  orthonormalize(deficient: 'zero' | 'complete', tolerance = 1e-6): Tensor {
    return orthonormalize(this, deficient, tolerance);
  }
  /** Lower triangular L with LLᵀ = this; NaN where the matrix is not positive definite. */
  cholesky(): Tensor {
    return cholesky(this);
  }
  /** L⁻¹·other for this lower triangular L, or L⁻ᵀ·other. */
  solveTriangular(other: Tensor, options: { readonly transpose?: boolean } = {}): Tensor {
    return solveTriangular(this, other, options.transpose ?? false);
  }

  private unary(op: UnaryOp): Tensor {
    return map(op, this);
  }
  private binary(op: BinaryOp, other: Tensor | number): Tensor {
    return combine(op, this, other);
  }
}
