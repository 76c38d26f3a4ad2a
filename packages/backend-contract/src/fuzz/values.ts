import type { Shape, Tensor } from '@opt/core';

/**
 * A value of a random program with what is known of it beforehand. Operations that jump (comparisons, sorting, floor) are only
 * applied to exact values, since any other may round to either side; and nothing may grow until it overflows.
 */
export interface Value {
  readonly tensor: Tensor;
  /** No entry is larger. */
  readonly bound: number;
  /** Every entry is a multiple of 2^−fraction; undefined where rounding has set in. */
  readonly fraction: number | undefined;
}

/** Bits of f32 that are safe from rounding. */
const exactBits = 22;

export function exact(tensor: Tensor, bound: number, fraction: number | undefined): Value {
  const fits = fraction !== undefined && Math.log2(Math.max(bound, 1)) + fraction <= exactBits;
  return { tensor, bound, fraction: fits ? fraction : undefined };
}

export const rounded = (tensor: Tensor, bound: number): Value => ({ tensor, bound, fraction: undefined });

export const isExact = (value: Value): boolean => value.fraction !== undefined;

/** The larger of two fractions, undefined if one is. */
export const finer = (a: Value, b: Value): number | undefined =>
  a.fraction === undefined || b.fraction === undefined ? undefined : Math.max(a.fraction, b.fraction);

export const product = (a: Value, b: Value): number | undefined =>
  a.fraction === undefined || b.fraction === undefined ? undefined : a.fraction + b.fraction;

/** x/(1+|x|), in (−1, 1). */
export const squashed = ({ tensor }: Value): Value => rounded(tensor.div(tensor.abs().add(1)), 1);

/** The value itself while it is small. */
export const tame = (value: Value, limit = 100): Value => (value.bound <= limit ? value : squashed(value));

/** The same elements, moved. */
export const moved = (value: Value, tensor: Tensor): Value => ({ ...value, tensor });

export const rank = ({ tensor }: Value): number => tensor.shape.length;
export const shapeOf = ({ tensor }: Value): Shape => tensor.shape;
