import { type Tensor, where } from '@opt/core';
import { determinant, logAbsoluteDeterminant } from '../determinant.ts';
import { expm } from '../expm.ts';
import type { Manifold } from '../manifold.ts';
import { addIdentity, inner, sides, trace } from '../matrix.ts';
import { compactPull } from './compact.ts';
import { type Direction, isSquare, type PolarOf } from './shared.ts';
import { largestSingularValue } from './spectral.ts';

export interface SlManifoldOptions {
  readonly direction: Direction;
  /** κ ≥ 0: pull towards SO(n), a value above 1 bounds the singular values. */
  readonly compactDecay: number;
  readonly polar: PolarOf;
}

/**
 * SL(n), det W = 1, in body coordinates: tangents are WX with trace X = 0.
 *
 *     H₀ = tracefree(WᵀU)     X = tracefree(msign(H₀)), or H₀     X ← X + κ·tracefree((S − I)(S + I)⁻¹), S = WᵀW
 *     W ← We^{−ηX}, then W ← W·det(W)^{−1/n}, which removes only rounding
 */
export function slManifold({ direction, compactDecay, polar }: SlManifoldOptions): Manifold {
  return {
    name: 'sl-muon',
    refuses: (shape) => isSquare(shape, false),
    tangent: (w, u) => traceFree(inner(w, u)),
    ...(direction === 'spectral' && { lmo: (_: Tensor, xi: Tensor, epsilon: number) => traceFree(polar(xi, epsilon)) }),
    retract(w, a, rate, epsilon) {
      const X = compactDecay === 0 ? a : a.add(traceFree(compactPull(w)).mul(compactDecay));
      const moved = w.matmul(expm(X.mul(rate).neg(), epsilon));
      return scaledBy(moved, logAbsoluteDeterminant(moved));
    },
    project: projectSl,
    error(w) {
      const { log, sign } = determinant(w);
      return log.exp().mul(sign).sub(1).abs();
    },
  };
}

const traceFree = (x: Tensor): Tensor => addIdentity(x, trace(x).div(-sides(x)[0]));

/** W·|det W|^{−1/n}. */
const scaledBy = (w: Tensor, log: Tensor): Tensor =>
  w
    .wide()
    .mul(log.div(-sides(w)[0]).exp())
    .working();

/** W/|det W|^{1/n}, its first column negated first where det W < 0; NaN where |det W|^{1/n} is below 10⁻⁴·s_max. */
function projectSl(w: Tensor): Tensor {
  const [n] = sides(w);
  const { log, sign } = determinant(w);
  const flipped = w.mul(where(sign.lt(0), flipFirst(w), 1));
  const regular = log.div(n).ge(largestSingularValue(w).mul(1e-4).log());
  return scaledBy(flipped, log)
    .mul(where(regular, 1, -1).sqrt())
    .working();
}

/** −1 in the first column, 1 in the others. */
function flipFirst(w: Tensor): Tensor {
  const [n] = sides(w);
  const first = addIdentity(w.mul(0)).slice([0, 0], [1, n]);
  return first.mul(-2).add(1);
}
