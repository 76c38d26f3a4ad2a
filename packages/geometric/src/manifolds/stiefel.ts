import { frobenius, normalized, repeat, type Tensor } from '@opt/core';
import type { Manifold } from '../manifold.ts';
import { addIdentity, along, deviation, inner, isTall, matrixAxes, sides, solve, sym } from '../matrix.ts';
import { nearestOrthonormal, polarRetraction, qrRetraction } from '../polar.ts';
import { type Direction, isMatrix, type PolarOf } from './shared.ts';

export interface StiefelManifoldOptions {
  /** r > 0: WᵀW = r²I. */
  readonly radius: number;
  readonly direction: Direction;
  readonly retraction: 'polar' | 'qr' | 'cayley';
  /** K: steps of dual ascent towards the exact tangent direction of unit spectral norm; 0: msign(xi). */
  readonly dualSteps: number;
  readonly dualLearningRate: number;
  readonly dualTolerance: number;
  readonly dualNormalize: boolean;
  readonly polar: PolarOf;
  /** Whether a rank-deficient start is completed; otherwise it has no projection. */
  readonly complete: boolean;
}

/**
 * Matrices with orthonormal columns (rows, if wide) times r. For the tall form, w = W/r:
 *
 *     xi = U − w sym(wᵀU)     A = msign(xi), or xi     W ← r·polar(w − ηA)
 *
 * ⟨xi, A⟩ = ‖xi‖_*, and the polar map discards what of A is not tangent: the loss falls at rate ‖xi‖_* (SPEL; Bernstein 2025; Su 2025).
 */
export function stiefelManifold(o: StiefelManifoldOptions): Manifold {
  const { radius, polar } = o;
  const spectral = (w: Tensor, xi: Tensor, epsilon: number): Tensor =>
    o.dualSteps === 0 ? polar(xi, epsilon) : dualAscent(w.div(radius), xi, epsilon, o);
  return {
    name: 'stiefel',
    refuses: isMatrix,
    tangent: (w, u) => stiefelTangent(w.div(radius), u),
    ...(o.direction === 'spectral' && { lmo: spectral }),
    retract(w, a, rate, epsilon) {
      const unit = w.div(radius);
      const y = unit.sub(a.mul(rate));
      if (o.retraction === 'qr') return qrRetraction(y).mul(radius);
      return polarRetraction(o.retraction === 'polar' ? y : cayley(unit, a.mul(rate).neg()), epsilon).mul(radius);
    },
    project: (w, epsilon) => nearestOrthonormal(w, epsilon, o.complete).mul(radius),
    error: (w) => orthonormalityError(w, radius),
  };
}

/** U − w sym(wᵀU), w orthonormal. */
export const stiefelTangent = (w: Tensor, u: Tensor): Tensor => along(w, sym(inner(w, u)), { alpha: -1, add: u });

/** max|XᵀX − I| of the tall form X of W/r. */
export function orthonormalityError(w: Tensor, radius: number): Tensor {
  const x = w.wide().div(radius);
  return deviation(inner(x, x));
}

/**
 * min ⟨U, A⟩ over ‖A‖₂ ≤ 1 and wᵀA + Aᵀw = 0 by ascent on the multiplier L: A = msign(xi + 2wL), H = wᵀA + Aᵀw,
 * L ← L − λ(1 − k/K)H, until ‖H‖_F/n < `dualTolerance`. L counts from that of xi. (Bernstein, Modular Manifolds, 2025.)
 */
function dualAscent(w: Tensor, xi: Tensor, epsilon: number, o: StiefelManifoldOptions): Tensor {
  const n = Math.min(...sides(w));
  const u = o.dualNormalize ? normalized(xi, matrixAxes).mul(Math.sqrt(n)) : xi;
  const zero = inner(w, xi).mul(0);
  return repeat(
    o.dualSteps,
    { A: xi.mul(0), L: zero, residual: zero.maximum().add(1e30), k: zero.maximum() },
    ({ L, k }) => {
      const A = o.polar(along(w, L, { alpha: 2, add: u }), epsilon);
      const H = sym(inner(w, A)).mul(2);
      const step = k.div(o.dualSteps).not().mul(o.dualLearningRate);
      return { A, L: L.sub(H.mul(step)), residual: frobenius(H).maximum().div(n), k: k.add(1) };
    },
    ({ residual }) => residual.lt(o.dualTolerance),
  ).A;
}

/** (I − K/2)Y = (I + K/2)w with K = Pwᵀ − wPᵀ, P = V − w(wᵀV)/2: exactly orthonormal, without self-correction. */
function cayley(wide: Tensor, step: Tensor): Tensor {
  const [w, v] = isTall(wide) ? [wide, step] : [wide.T, step.T];
  const P = v.sub(w.matmul(inner(w, v)).mul(0.5));
  const half = P.matmul(w, { transposeB: true, alpha: 0.5 });
  const K = half.sub(half.T);
  const y = solve(addIdentity(K.neg()), K.matmul(w, { add: w }));
  return isTall(wide) ? y : y.T;
}
