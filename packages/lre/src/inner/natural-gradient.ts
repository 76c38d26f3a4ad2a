import { iota, perTensor, positive, resolve, type Setting, type Transform, text } from '@opt/core';

export interface NaturalGradientOptions {
  /** Added to the matrix, > 0, default 1e-8. */
  readonly reg?: Setting;
  /** Prefix of state keys, default 'natural-gradient'. */
  readonly name?: string;
}

/**
 * The natural gradient (Amari 1998) inside a basis: with projected per-sample gradients J the solution of (JJᵀ + reg·I)·out = u. What is
 * kept between refreshes is JJᵀ, which moves as a matrix.
 */
export const naturalGradient = (options: NaturalGradientOptions = {}): Transform => solve('natural-gradient', options);

/** The Gauss–Newton step inside a basis: the same solve, with residual gradients J. */
export const gaussNewtonStep = (options: NaturalGradientOptions = {}): Transform => solve('gauss-newton', options);

function solve(kind: string, options: NaturalGradientOptions): Transform {
  const { name, ...hyper } = resolve(kind, options, { reg: positive(1e-8), name: text(kind) });
  return perTensor({
    name,
    needs: [{ what: 'jacobian', hint: 'use it inside lre with empiricalFisher() or gaussNewton()' }],
    hyper,
    state: ({ shape }) => ({ G: { shape: [...shape, ...shape], kind: 'matrix', dtype: 'wide' } }),
    apply({ update: u, state, hyper: { reg }, site }) {
      const J = site.extras['jacobian']?.wide();
      const G = J === undefined ? state.G : J.matmul(J, { transposeB: true });
      const [r = 0] = u.shape;
      const factor = G.add(iota(r).reshape([r, 1]).eq(iota(r)).mul(reg)).cholesky();
      const half = factor.solveTriangular(u.wide().reshape([r, 1]));
      return { update: factor.solveTriangular(half, { transpose: true }).reshape([r]).working(), state: { G } };
    },
  });
}
