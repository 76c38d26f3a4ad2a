import { identity, type Tensor } from '@opt/core';
import { addIdentity, inner, sides } from '../matrix.ts';

/**
 * (S − I)(S + I)⁻¹ = I − 2(S + I)⁻¹ with S = WᵀW, by Cholesky of S + I: symmetric, eigenvalues tanh(log s). It pulls a matrix group
 * towards its orthogonal part, as weight decay pulls towards 0.
 */
export function compactPull(w: Tensor): Tensor {
  const [n] = sides(w);
  const L = addIdentity(inner(w, w)).cholesky();
  const inverse = L.solveTriangular(L.solveTriangular(identity(n)), { transpose: true });
  return addIdentity(inverse.add(inverse.T).neg());
}

/** s_max/s_min of W: what compactDecay bounds. */
export function conditionNumber(w: Tensor): Tensor {
  const { values } = inner(w.wide(), w.wide()).eigh();
  return values.maximum().max(0).sqrt().div(values.neg().maximum().neg().max(0).sqrt());
}
