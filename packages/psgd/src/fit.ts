import { all, allFinite, argmax, identity, norm, type Tensor, triu, where } from '@opt/core';
import { type Factor, multiplied, secondMoment, solved } from './factors.ts';

/** The square root of f32's epsilon over two, whatever the precision: how much of its mean size is added to what is fitted, as noise. */
const noise = 2 ** -11.5;

export interface Fit {
  /** μ. */
  readonly rate: Tensor;
  /** Of working precision. */
  readonly epsilon: number;
}

/**
 * One step of the fit, from the old factors for all axes. V is standard normal, of X's shape:
 *
 *     X̃ = X + 2^−11.5·mean|X|·V     A = X̃ times Q_k along every axis     B = V times Q_k⁻ᵀ along every axis
 *     T∓ = A₍k₎A₍k₎ᵀ ∓ B₍k₎B₍k₎ᵀ     Q_k ← Q_k − μ/‖T₊‖·triu(T₋)·Q_k
 *
 * A diagonal factor takes the diagonals of T∓ and max|T₊|. ‖T₊‖ is estimated, see `spectralNorm`. A factor that would no longer be
 * finite, or would have a 0 on its diagonal, stays as it is.
 */
export function fitted(X: Tensor, factors: readonly Factor[], V: Tensor, { rate, epsilon }: Fit): { noisy: Tensor; factors: Factor[] } {
  const noisy = X.add(V.mul(X.abs().mean().mul(noise)));
  const A = factors.reduce((x, Q, axis) => multiplied(x, axis, Q), noisy);
  const B = factors.reduce((x, Q, axis) => solved(x, axis, Q), V);
  const smallest = smallestNormal(epsilon);
  const next = factors.map((Q, axis) => {
    const [a, b] = [secondMoment(A, axis, Q), secondMoment(B, axis, Q)];
    const [difference, sum] = [a.sub(b), a.add(b)];
    if (Q.shape.length === 1) {
      const moved = Q.sub(difference.mul(Q).mul(rate.div(sum.abs().maximum().max(smallest))));
      return where(regular(moved, moved), moved, Q);
    }
    const step = rate.div(spectralNorm(sum).max(smallest)).neg();
    const moved = triu(difference).matmul(Q, { alpha: step, add: Q });
    return where(regular(moved, diagonalOf(moved)), moved, Q);
  });
  return { noisy, factors: next };
}

/** All finite, and no 0 among what must be divided by. */
const regular = (Q: Tensor, diagonal: Tensor): Tensor => all([allFinite(Q), diagonal.abs().neg().maximum().lt(0)]);

const smallestNormal = (epsilon: number): number => (epsilon < 1e-10 ? 2 ** -1022 : 2 ** -126);

const diagonalOf = (T: Tensor): Tensor => where(identity(T.shape[0] ?? 1), T, 0).sum([1]);

/**
 * ‖T‖₂ of a symmetric matrix from below, by one power step from its longest column: with c = max|T|, t the first longest column of T/c and
 * x = tᵀ(T/c) normalised, c·‖(T/c)x‖. 0 for T = 0.
 */
export function spectralNorm(T: Tensor): Tensor {
  const c = T.abs().maximum();
  const scaled = T.div(where(c.gt(0), c, 1));
  const longest = argmax(scaled.square().sum([0]));
  const n = T.shape[0] ?? 1;
  const x = scaled.row(longest).reshape([1, n]).matmul(scaled);
  const length = norm(x);
  return norm(x.div(where(length.gt(0), length, 1)).matmul(scaled)).mul(c);
}

/** Factors of equal largest entries; their Kronecker product is the same. */
export function balanced(factors: readonly Factor[]): Factor[] {
  if (factors.length < 2) return [...factors];
  const sizes = factors.map((Q) => Q.abs().maximum().log());
  const mean = sizes.reduce((sum, one) => sum.add(one)).div(sizes.length);
  return factors.map((Q, i) => Q.mul(mean.sub(sizes[i] ?? mean).exp()));
}
