import { identity, norm, normalized, type Shape, type Tensor, where } from '@opt/core';
import type { Manifold } from '../manifold.ts';
import type { Axis } from '../view.ts';

export interface SphereManifoldOptions {
  /** Which vectors are constrained: columns, rows, or the whole tensor as one. */
  readonly axis: Axis | 'tensor';
  /** Their norm, > 0. */
  readonly radius: number;
  readonly direction: 'normalized' | 'riemannian' | 'adam';
}

/** The axes a constrained vector runs along. */
export function vectorAxes(axis: Axis | 'tensor', shape: Shape): readonly number[] {
  if (axis === 'tensor') return shape.map((_, i) => i);
  return [axis === 'rows' ? shape.length - 1 : shape.length - 2];
}

/** ‖x_j‖ of every constrained vector, its axes kept as axes of 1. */
export const vectorNorms = (x: Tensor, axis: Axis | 'tensor'): Tensor => norm(x, vectorAxes(axis, x.shape));

/**
 * Every constrained vector w_j on a sphere of radius r. With w = W/r:
 *
 *     xi_j = u_j − w_j⟨w_j, u_j⟩     a_j = xi_j/‖xi_j‖, or xi_j     w_j ← r·(w_j − ηa_j)/‖w_j − ηa_j‖
 *
 * A step of η turns every vector by atan η. (pymanopt's oblique manifold; Bernstein, hyperspherical descent, 2025.)
 */
export function sphereManifold(name: string, { axis, radius, direction }: SphereManifoldOptions): Manifold {
  const normalize = (x: Tensor): Tensor => normalized(x, vectorAxes(axis, x.shape));
  return {
    name,
    refuses: (shape) => (axis === 'tensor' || shape.length >= 2 ? undefined : 'a matrix'),
    tangent(w, u) {
      const unit = w.div(radius);
      return u.sub(unit.mul(unit.mul(u).sum(vectorAxes(axis, w.shape), { keep: true })));
    },
    ...(direction === 'normalized' && { lmo: (_: Tensor, xi: Tensor) => normalize(xi) }),
    retract: (w, a, rate) => normalize(w.div(radius).sub(a.mul(rate))).mul(radius),
    project: (w) => where(vectorNorms(w, axis).gt(0), normalize(w), firstUnit(w.shape, axis)).mul(radius),
    error: (w) => vectorNorms(w.wide(), axis).div(radius).sub(1).abs().maximum(),
  };
}

/** The first unit vector in place of every constrained one. */
function firstUnit(shape: Shape, axis: Axis | 'tensor'): Tensor {
  const [m = 1, n = 1] = shape.slice(-2);
  const length = axis === 'rows' ? n : axis === 'columns' ? m : shape.reduce((product, k) => product * k, 1);
  const first = identity(length).row(0);
  if (axis === 'rows') return first.broadcastTo(shape);
  return axis === 'columns' ? first.reshape([m, 1]).broadcastTo(shape) : first.reshape(shape);
}
