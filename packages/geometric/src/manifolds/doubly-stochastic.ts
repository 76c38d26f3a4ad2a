import { scaled, type Tensor } from '@opt/core';
import type { Manifold } from '../manifold.ts';
import { matrixAxes, sides } from '../matrix.ts';
import { isDouble } from '../polar.ts';
import { sinkhorn } from '../sinkhorn.ts';
import { isMatrix } from './shared.ts';

export interface DoublyStochasticManifoldOptions {
  readonly gradientScale: 'centered-max' | 'none';
  readonly sinkhornIterations: number;
  /** Of a row sum; null: 1e-7 in f32, 1e-14 in f64. */
  readonly sinkhornTolerance: number | null;
  /** Least entry whose logarithm is taken: an entry of 0 can come back. */
  readonly floor: number;
}

/**
 * Matrices W ≥ 0 with row sums 1 and column sums m/n, by entropic mirror descent (the Fisher metric of the Birkhoff polytope):
 *
 *     C = U − row mean − column mean + mean     D = C/max|C|, or C     W ← Sinkhorn(exp(log max(W, floor) − ηD))
 *
 * Sinkhorn absorbs multiples of rows and columns, so no linear system has to be solved. (Douik and Hassibi 2018.)
 */
export function doublyStochasticManifold(o: DoublyStochasticManifoldOptions): Manifold {
  const balanced = (L: Tensor, epsilon: number): Tensor =>
    sinkhorn(L, o.sinkhornIterations, o.sinkhornTolerance ?? (isDouble(epsilon) ? 1e-14 : 1e-7));
  return {
    name: 'doubly-stochastic',
    refuses: isMatrix,
    tangent: (_, u) =>
      u
        .sub(u.mean([1], { keep: true }))
        .sub(u.mean([0], { keep: true }))
        .add(u.mean()),
    ...(o.gradientScale === 'centered-max' && { lmo: (_: Tensor, xi: Tensor) => scaled([xi], matrixAxes).by(xi) }),
    retract: (w, a, rate, epsilon) => balanced(w.max(o.floor).log().sub(a.mul(rate)), epsilon),
    project: balanced,
    error(w) {
      const [m, n] = sides(w);
      const x = w.wide();
      const rows = x.sum([1]).sub(1).abs().maximum();
      const columns = x
        .sum([0])
        .sub(m / n)
        .abs()
        .maximum();
      return rows.max(columns).max(x.neg().maximum());
    },
  };
}
