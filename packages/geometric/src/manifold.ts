import type { Shape, Tensor } from '@opt/core';

/**
 * A set of matrices with what an optimizer on it needs, as functions of traced tensors. w is a point, u an ambient direction; all have
 * the parameter's shape. Groups work in body coordinates: their tangents are the X of W·X. `epsilon` is that of working precision.
 */
export interface Manifold {
  readonly name: string;
  /** What a shape would have to be, where it cannot lie on this manifold. */
  refuses(shape: Shape): string | undefined;
  /** The part of u that lies in the tangent space at w. */
  tangent(w: Tensor, u: Tensor): Tensor;
  /** The steepest direction of unit norm for the tangent xi: −lmo maximises descent. Absent: xi itself. */
  lmo?(w: Tensor, xi: Tensor, epsilon: number): Tensor;
  /** The point reached from w by −rate·a: not linear in the rate. a = 0 stays. */
  retract(w: Tensor, a: Tensor, rate: Tensor, epsilon: number): Tensor;
  /** The nearest point, or a near one; NaN where there is none worth having. */
  project(w: Tensor, epsilon: number): Tensor;
  /** `constraintError`: how far w is off, a wide scalar. */
  error(w: Tensor): Tensor;
}

/** A start whose error is at most this is kept as it is. */
export const onManifoldTolerance = 1e-6;
