import type { ReduceOp } from '../program/program.ts';
import { concat, where } from './functions.ts';
import type { Tensor } from './tensor.ts';

/** A tensor, or several, as multiples of the largest element: x = σ²y with max|y| = 1, and y = x where that is 0. */
export interface Scaled {
  /** σ, or 1 where all is 0. */
  readonly root: Tensor;
  /** ‖y‖₂ of all together: at least 1, or 0. */
  readonly length: Tensor;
  /** y of one of them. */
  by(x: Tensor): Tensor;
}

/**
 * Tensors by the largest element of them all, so that squares neither overflow nor vanish; one alone also over some of its axes, kept as axes
 * of 1. They are divided by σ twice: one over the largest number, or over a denormal, is none.
 */
export function scaled(xs: readonly Tensor[], axes?: readonly number[]): Scaled {
  const keep = axes !== undefined;
  const largest = overall(
    xs.map((x) => x.abs().maximum(axes, { keep })),
    'maximum',
  );
  const root = where(largest.gt(0), largest, 1).sqrt();
  const inverse = root.reciprocal();
  const by = (x: Tensor): Tensor => x.mul(inverse).mul(inverse);
  const squares = overall(
    xs.map((x) => by(x).square().sum(axes, { keep })),
    'sum',
  );
  return { root, length: squares.sqrt(), by };
}

/** One reduction of several. */
function overall(parts: readonly Tensor[], op: ReduceOp): Tensor {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const all = concat(parts.map((part) => part.reshape([1])));
  return op === 'sum' ? all.sum() : all.maximum();
}

/** ‖x‖₂ of all elements, or over some axes, kept as axes of 1. Infinite only where it is more than there are numbers for. */
export function norm(x: Tensor, axes?: readonly number[]): Tensor {
  const { root, length } = scaled([x], axes);
  return length.mul(root).mul(root);
}

/** x/‖x‖₂, also where that norm is infinite; 0 for x = 0. */
export function normalized(x: Tensor, axes?: readonly number[]): Tensor {
  const { length, by } = scaled([x], axes);
  return by(x).mul(where(length.gt(0), length, 1).reciprocal());
}

/** ‖XXᵀ‖_F^½ of each matrix over the last two axes: the 4-norm of its singular values, as [..., 1, 1]. */
export function schatten4(x: Tensor): Tensor {
  const { root, by } = scaled([x], [-2, -1]);
  const y = by(x);
  const [rows = 1, columns = 1] = x.shape.slice(-2);
  const small = rows <= columns ? y.matmul(y, { transposeB: true }) : y.matmul(y, { transposeA: true });
  return norm(small, [-2, -1]).sqrt().mul(root).mul(root);
}
