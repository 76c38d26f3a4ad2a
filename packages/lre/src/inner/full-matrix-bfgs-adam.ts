import { fixed, flag, nullable, resolve, type Setting, type Tensor, type Transform, unit, where } from '@opt/core';
import { fullMatrix, matrixFunction, outer } from './full-matrix.ts';
import { type FullMatrixOptions, fullMatrixOptions } from './full-matrix-options.ts';
import { needsProduct } from './needs-product.ts';
import { tiny } from './tiny.ts';

export interface FullMatrixBfgsAdamOptions extends FullMatrixOptions {
  /** Weight of the past in M, [0, 1), default 0.99; null: plain BFGS. */
  readonly beta2?: Setting | null;
  /** Least sᵀy of an update, ≥ 0, default 1e-16. */
  readonly tol?: number;
  /** Drop and damp small eigenvalues instead of inverting as it is. Default false. */
  readonly useEigh?: boolean;
}

/**
 * Adam with an average of BFGS matrices: with s = z, y = Hz, N = M + yyᵀ/sᵀy − Ms(Ms)ᵀ/sᵀMs and M ← β₂M + (1−β₂)N from I; out
 * (M/(1−β₂ᵗ) + εI)⁻¹ · m/(1−β₁ᵗ). ε 1e-6.
 */
export function fullMatrixBfgsAdam(options: FullMatrixBfgsAdamOptions = {}): Transform {
  const name = 'full-matrix-bfgs-adam';
  const o = resolve(name, options, {
    ...fullMatrixOptions(name, 1e-6),
    beta2: nullable(unit(0.99)),
    tol: fixed(1e-16, { rule: 'a finite number >= 0', holds: (x) => Number.isFinite(x) && x >= 0 }),
    useEigh: flag(false),
  });
  const regularised = { tol: o.eigTol, damping: o.damping, rdamping: o.rdamping, abs: false };
  const round = o.useEigh ? regularised : { tol: null, damping: 0, rdamping: 0, abs: false };
  return fullMatrix({
    name: o.name,
    hyper: { beta1: o.beta1, epsilon: o.epsilon },
    beta2: o.beta2,
    amsgradBeta: o.amsgradBeta,
    needs: [needsProduct],
    next: (M, _, { z: s, Hz: y }, epsilon) => (s === undefined || y === undefined ? undefined : updated(M, s, y, o.tol, epsilon)),
    precondition: (M, active, epsilon) => matrixFunction(M, active, round, (L) => L.reciprocal(), epsilon),
  });
}

/** One BFGS update of M; M itself where sᵀy is too small. */
function updated(M: Tensor, s: Tensor, y: Tensor, tol: number, epsilon: number): Tensor {
  const sy = s.mul(y).sum().wide();
  const Ms = M.matmul(s.wide().reshape([-1, 1])).reshape([-1]);
  const sMs = Ms.mul(s).sum();
  const safe = where(sMs.abs().lt(tiny(epsilon)), tiny(epsilon), sMs);
  const enough = sy.ge(tol).mul(sy.gt(0));
  const N = M.add(outer(y, y).div(where(enough, sy, 1))).sub(outer(Ms, Ms).div(safe));
  return where(enough, N, M);
}
