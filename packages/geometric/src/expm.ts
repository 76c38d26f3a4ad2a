import { repeat, type Tensor } from '@opt/core';
import { addIdentity } from './matrix.ts';
import { isDouble } from './polar.ts';

/** More squarings than ‖V‖₁ ≤ 2¹⁸ needs are never made. */
const squarings = 20;

/** 1/k! */
const inverseFactorial = (k: number): number => (k === 0 ? 1 : inverseFactorial(k - 1) / k);

/**
 * e^V by products alone: the Taylor polynomial of V/2ˢ (degree 6 in f32, 12 in f64), squared s = max(0, ⌈log₂(‖V‖₁/¼)⌉) times.
 * The polynomial is one in V³ whose coefficients are polynomials of degree 2 in V: 3 products for degree 6, 5 for 12.
 * V: [n, n].
 */
export function expm(v: Tensor, epsilon: number): Tensor {
  const norm = v.abs().sum([-2]).maximum();
  const s = norm.mul(4).max(1).log().div(Math.LN2).neg().floor().neg().min(squarings);
  const x = v.mul(s.neg().mul(Math.LN2).exp());
  const degree = isDouble(epsilon) ? 12 : 6;
  const x2 = x.matmul(x);
  const x3 = x2.matmul(x);
  /** c_k I + c_{k+1} X + c_{k+2} X², with c_j = 1/j!. */
  const block = (k: number): Tensor =>
    addIdentity(x.mul(inverseFactorial(k + 1)).add(x2.mul(inverseFactorial(k + 2))), inverseFactorial(k));
  let polynomial = block(degree - 3).add(x3.mul(inverseFactorial(degree)));
  for (let k = degree - 6; k >= 0; k -= 3) polynomial = x3.matmul(polynomial, { add: block(k) });
  return repeat(
    squarings,
    { y: polynomial, left: s },
    ({ y, left }) => ({ y: y.matmul(y), left: left.sub(1) }),
    ({ left }) => left.le(0),
  ).y;
}
