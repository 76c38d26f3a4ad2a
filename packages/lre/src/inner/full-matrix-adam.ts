import { resolve, type Setting, type Transform, unit } from '@opt/core';
import { fullMatrix, matrixFunction, outer } from './full-matrix.ts';
import { type FullMatrixOptions, fullMatrixOptions } from './full-matrix-options.ts';

export interface FullMatrixAdamOptions extends FullMatrixOptions {
  /** Weight of the past in M, [0, 1), default 0.99. */
  readonly beta2?: Setting;
}

/**
 * Adam with the full second moment M ← β₂M + (1−β₂)uuᵀ from I: out (M/(1−β₂ᵗ) + εI)^−½ · m/(1−β₁ᵗ). ε 1e-8. (From I, and yet divided by
 * 1−β₂ᵗ: a strong damping in the first steps.)
 */
export function fullMatrixAdam(options: FullMatrixAdamOptions = {}): Transform {
  const name = 'full-matrix-adam';
  const o = resolve(name, options, { ...fullMatrixOptions(name, 1e-8), beta2: unit(0.99) });
  const round = { tol: o.eigTol, damping: o.damping, rdamping: o.rdamping, abs: false };
  return fullMatrix({
    name: o.name,
    hyper: { beta1: o.beta1, epsilon: o.epsilon },
    beta2: o.beta2,
    amsgradBeta: o.amsgradBeta,
    next: (_, u) => outer(u, u),
    precondition: (M, active, epsilon) => matrixFunction(M, active, round, (L) => L.sqrt().reciprocal(), epsilon),
  });
}
