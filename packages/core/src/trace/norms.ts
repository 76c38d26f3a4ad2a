import { concat, saturate, scalar, where } from './functions.ts';
import { tracing } from './graph.ts';
import type { Tensor } from './tensor.ts';

/** What has to be known of a vector to scale its parts: max|x|, and ‖y‖ of `Scaled`. */
export interface Extent {
  readonly largest: Tensor;
  readonly length: Tensor;
}

/** A tensor, or several as one vector, by the largest element: x = σ²y with max|y| = 1, and y = x where that is 0 or a denormal. */
export interface Scaled extends Extent {
  /** ‖x‖ = σ²‖y‖: infinite where that is more than there are numbers for. */
  readonly norm: Tensor;
  /** σ, or 1 where all is 0. */
  readonly root: Tensor;
  /** y of a part. */
  by(x: Tensor): Tensor;
  /** A part of the vector, that brought to the norm c; 0 stays 0. */
  to(x: Tensor, c: Tensor | number): Tensor;
}

/**
 * Tensors by the largest element of them all, so that no power of them overflows or vanishes; one alone also over some of its axes, kept as
 * axes of 1. They are divided by σ twice: one over the largest number is none. The norm is (Σ|x|^q)^(1/q), q up to Infinity.
 */
export function scaled(xs: readonly Tensor[], axes?: readonly number[], q = 2): Scaled {
  const keep = axes !== undefined;
  const joint = (part: (x: Tensor) => Tensor, over: (all: Tensor) => Tensor): Tensor => {
    const parts = xs.map(part);
    const [only] = parts;
    return only !== undefined && parts.length === 1 ? only : over(concat(parts.map((one) => one.reshape([1]))));
  };
  const most = (part: (x: Tensor) => Tensor): Tensor =>
    joint(
      (x) => part(x).maximum(axes, { keep }),
      (all) => all.maximum(),
    );
  const largest = most((x) => x.abs());
  const { by } = divided(largest);
  const total = (part: (x: Tensor) => Tensor): Tensor =>
    joint(
      (x) => part(by(x)).sum(axes, { keep }),
      (all) => all.sum(),
    );
  const length =
    q === 2
      ? total((y) => y.square()).sqrt()
      : q === 1
        ? total((y) => y.abs())
        : q === Infinity
          ? most((x) => by(x).abs())
          : total((y) => y.abs().pow(q)).pow(1 / q);
  return scaledBy({ largest, length });
}

function divided(largest: Tensor): Pick<Scaled, 'root' | 'by'> {
  const root = where(largest.gt(tracing().smallest), largest, 1).sqrt();
  const inverse = root.reciprocal();
  return { root, by: (x) => saturate(x.mul(inverse).mul(inverse), 1) };
}

/** The parts of a vector of which only the extent is at hand. */
function scaledBy({ largest, length }: Extent): Scaled {
  const { root, by } = divided(largest);
  return {
    norm: length.mul(root).mul(root),
    root,
    largest,
    length,
    by,
    to: (x, c) => by(x).mul(length.max(1).reciprocal().mul(c)),
  };
}

/** Of all of them as one vector. */
export function extentOf(xs: readonly Tensor[]): Extent {
  const { largest, length } = scaled(xs);
  return { largest, length };
}

/** ‖x‖₂ of all elements, or over some axes, kept as axes of 1. Infinite only where it is more than there are numbers for. */
export const norm = (x: Tensor, axes?: readonly number[]): Tensor => scaled([x], axes).norm;

/** ‖x‖_F of each matrix over the last two axes, as [..., 1, 1]. */
export const frobenius = (x: Tensor): Tensor => norm(x, [-2, -1]);

/** x/‖x‖₂, also where that norm is infinite; 0 for x = 0. */
export const normalized = (x: Tensor, axes?: readonly number[]): Tensor => scaled([x], axes).to(x, 1);

/** How to bring tensors to a norm of at most c together: x·c/max(‖all x‖, c), also where that is infinite. Within the limit x is as it was. */
export function clipped(xs: readonly Tensor[] | Extent, c: Tensor | number): (x: Tensor) => Tensor {
  const { norm: all, to } = 'largest' in xs ? scaledBy(xs) : scaled(xs);
  const clips = all.gt(c);
  return (x) => where(clips, to(x, c), x);
}

/** By which factor `clipped` makes them shorter: min(1, c/‖all x‖). */
export function clipFactor(xs: readonly Tensor[] | Extent, c: Tensor | number): Tensor {
  const { norm: all } = 'largest' in xs ? scaledBy(xs) : scaled(xs);
  return where(all.gt(c), (typeof c === 'number' ? scalar(c) : c).div(all), 1);
}

/** ‖XXᵀ‖_F^½ of each matrix over the last two axes: the 4-norm of its singular values, as [..., 1, 1]. */
export function schatten4(x: Tensor): Tensor {
  const { root, by } = scaled([x], [-2, -1]);
  const y = by(x);
  const [rows = 1, columns = 1] = x.shape.slice(-2);
  const small = rows <= columns ? y.matmul(y, { transposeB: true }) : y.matmul(y, { transposeA: true });
  return norm(small, [-2, -1]).sqrt().mul(root).mul(root);
}
