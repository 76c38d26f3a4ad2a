import type { Tensor } from '@opt/core';
import { frobenius, where } from '@opt/core';
import type { Manifold } from '../manifold.ts';
import { along, inner, nonZero, sides } from '../matrix.ts';
import { nearestOrthonormal, polarRetraction } from '../polar.ts';
import type { Direction, PolarOf } from './shared.ts';
import { orthonormalityError } from './stiefel.ts';

export interface GrassmannManifoldOptions {
  readonly direction: Direction;
  readonly retraction: 'polar' | 'geodesic';
  readonly polar: PolarOf;
  readonly complete: boolean;
}

/**
 * Subspaces, each held by an orthonormal basis of its columns (rows, if wide); W and WR are one point. For the tall form:
 *
 *     xi = (I − WWᵀ)U, twice     A = msign(xi), or xi     W ← polar(W − ηA), or along the geodesic
 *
 * Motion inside the subspace is discarded: right only where the loss does not see it.
 */
export function grassmannManifold({ direction, retraction, polar, complete }: GrassmannManifoldOptions): Manifold {
  return {
    name: 'grassmannian',
    refuses: (shape) => (shape.length === 2 && shape[0] !== shape[1] ? undefined : 'rectangular: a square matrix spans the whole space'),
    tangent: (w, u) => horizontal(w, horizontal(w, u)),
    ...(direction === 'spectral' && { lmo: (_: Tensor, xi: Tensor, epsilon: number) => polar(xi, epsilon) }),
    retract(w, a, rate, epsilon) {
      const step = a.mul(rate).neg();
      return polarRetraction(retraction === 'polar' ? w.add(step) : geodesic(w, step), epsilon);
    },
    project: (w, epsilon) => nearestOrthonormal(w, epsilon, complete),
    error: (w) => orthonormalityError(w, 1),
  };
}

const horizontal = (w: Tensor, u: Tensor): Tensor => along(w, inner(w, u), { alpha: -1, add: u });

/** W Q cos S Qᵀ + V Q (sin S/S) Qᵀ for the step V = PSQᵀ, with Q and S² of VᵀV: all of the tall form. */
function geodesic(w: Tensor, step: Tensor): Tensor {
  const { values, vectors: Q } = inner(step.wide(), step.wide()).eigh();
  const S = values.max(0).sqrt();
  const of = (diagonal: Tensor): Tensor => Q.mul(diagonal.reshape([1, sides(Q)[0]])).matmul(Q, { transposeB: true });
  const sinc = where(S.gt(0), S.sin().div(where(S.gt(0), S, 1)), 1);
  return along(w.wide(), of(S.cos()))
    .add(along(step.wide(), of(sinc)))
    .working();
}

/** ‖WᵀU‖_F/‖U‖_F, in [0, 1]: near 1, nearly all of U is motion inside the subspace, and the manifold is the wrong one. */
export const verticalFraction = (w: Tensor, u: Tensor): Tensor =>
  frobenius(inner(w, u))
    .div(nonZero(frobenius(u)))
    .maximum();
