import { scaled, type Tensor, where } from '@opt/core';
import type { Manifold } from '../manifold.ts';
import { along, dot, inner, nonZero, sides } from '../matrix.ts';
import { isMatrix, type PolarOf } from './shared.ts';

export interface SpectralManifoldOptions {
  /** r > 0. */
  readonly radius: number;
  readonly polar: PolarOf;
}

/**
 * The top singular value, and T = uvᵀ of its singular vectors, from the eigenvectors of the small Gram matrix in wide precision. (A power
 * iteration that stops at a small change is wrong by the gap, and steps here drive singular values together.)
 */
function topPair(w: Tensor): { readonly s: Tensor; readonly T: Tensor } {
  const { root, by } = scaled([w.wide()]);
  const x = by(w.wide());
  const { values, vectors } = inner(x, x).eigh();
  const [p] = sides(vectors);
  const s = values
    .row(p - 1)
    .max(0)
    .sqrt();
  const v = vectors.slice([0, p - 1], [p, p]);
  return {
    s: s.mul(root).mul(root),
    T: along(x, v.matmul(v, { transposeB: true }))
      .div(nonZero(s))
      .working(),
  };
}

/** The largest singular value of W, in wide precision. */
export function largestSingularValue(w: Tensor): Tensor {
  const { root, by } = scaled([w.wide()]);
  const x = by(w.wide());
  const { values } = inner(x, x).eigh();
  return values.maximum().max(0).sqrt().mul(root).mul(root);
}

/**
 * Matrices whose largest singular value is r. With w = W/r and T = uvᵀ of its top singular pair:
 *
 *     xi = U − ⟨T, U⟩T     A = msign(xi)     A ← A − ⟨T, A⟩T     W ← r·Y/s_max(Y),  Y = w − ηA
 */
export function spectralSphereManifold({ radius, polar }: SpectralManifoldOptions): Manifold {
  const without = (T: Tensor, x: Tensor): Tensor => x.sub(T.mul(dot(T, x)));
  const rescaled = (y: Tensor): Tensor =>
    y
      .wide()
      .mul(radius)
      .div(nonZero(largestSingularValue(y)))
      .working();
  return {
    name: 'spectral-sphere',
    refuses: isMatrix,
    tangent: (w, u) => without(topPair(w).T, u),
    lmo: (w, xi, epsilon) => without(topPair(w).T, polar(xi, epsilon)),
    retract: (w, a, rate) => rescaled(w.div(radius).sub(a.mul(rate))),
    // 0/0: the zero matrix has no nearest point.
    project: (w) => w.wide().mul(radius).div(largestSingularValue(w)).working(),
    error: (w) => largestSingularValue(w).div(radius).sub(1).abs(),
  };
}

/** Matrices whose largest singular value is at most r: A = msign(U), W ← r·Y·min(1, 1/s_max(Y)) with Y = W/r − ηA. */
export function spectralBallManifold({ radius, polar }: SpectralManifoldOptions): Manifold {
  const shrunk = (y: Tensor): Tensor => {
    const s = largestSingularValue(y);
    return y
      .wide()
      .mul(where(s.gt(1), s.reciprocal(), 1))
      .mul(radius)
      .working();
  };
  return {
    name: 'spectral-ball',
    refuses: isMatrix,
    tangent: (_, u) => u,
    lmo: (_, xi, epsilon) => polar(xi, epsilon),
    retract: (w, a, rate) => shrunk(w.div(radius).sub(a.mul(rate))),
    project: (w) => shrunk(w.div(radius)),
    error: (w) => largestSingularValue(w).div(radius).sub(1).max(0),
  };
}
