import { flag, resolve, type Setting, type Transform, unit } from '@opt/core';
import { fullMatrix, matrixFunction, outer } from './full-matrix.ts';
import { type FullMatrixOptions, fullMatrixOptions } from './full-matrix-options.ts';
import { needsProduct } from './needs-product.ts';

export interface FullMatrixHutchinsonAdamOptions extends FullMatrixOptions {
  /** Weight of the past in M, [0, 1), default 0.99. */
  readonly beta2?: Setting;
  /** Take eigenvalues by magnitude. Default true. */
  readonly abs?: boolean;
}

/** Adam with an average of Hessian estimates, M ← β₂M + (1−β₂)(Hz zᵀ + z Hzᵀ)/2 from I: out |M/(1−β₂ᵗ) + εI|⁻¹ · m/(1−β₁ᵗ). ε 1e-6. */
export function fullMatrixHutchinsonAdam(options: FullMatrixHutchinsonAdamOptions = {}): Transform {
  const name = 'full-matrix-hutchinson-adam';
  const o = resolve(name, options, { ...fullMatrixOptions(name, 1e-6), beta2: unit(0.99), abs: flag(true) });
  const round = { tol: o.eigTol, damping: o.damping, rdamping: o.rdamping, abs: o.abs };
  return fullMatrix({
    name: o.name,
    hyper: { beta1: o.beta1, epsilon: o.epsilon },
    beta2: o.beta2,
    amsgradBeta: o.amsgradBeta,
    needs: [needsProduct],
    next: (_, _u, { z, Hz }) => (z === undefined || Hz === undefined ? undefined : outer(Hz, z).add(outer(z, Hz)).mul(0.5)),
    precondition: (M, active, epsilon) => matrixFunction(M, active, round, (L) => L.reciprocal(), epsilon),
  });
}
