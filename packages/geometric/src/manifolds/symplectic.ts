import { concat, repeat, type Tensor } from '@opt/core';
import { expm } from '../expm.ts';
import type { Manifold } from '../manifold.ts';
import { addIdentity, inner, sides, solve } from '../matrix.ts';
import { exactPolar } from '../polar.ts';
import { compactPull } from './compact.ts';
import { type Direction, isSquare, type PolarOf } from './shared.ts';

export interface SymplecticManifoldOptions {
  readonly direction: Direction;
  readonly retraction: 'exp' | 'cayley';
  /** κ ≥ 0: pull towards the orthogonal symplectic matrices. */
  readonly compactDecay: number;
  readonly polar: PolarOf;
}

/** J·x with J = [[0, I], [−I, 0]]: the halves of the rows swapped, the second negated. */
function J(x: Tensor): Tensor {
  const [m, n] = sides(x);
  return concat([x.slice([m / 2, 0], [m, n]), x.slice([0, 0], [m / 2, n]).neg()], 0);
}

/** x·J. */
function timesJ(x: Tensor): Tensor {
  const [m, n] = sides(x);
  return concat([x.slice([0, n / 2], [m, n]).neg(), x.slice([0, 0], [m, n / 2])], 1);
}

/** E = WᵀJW − J. */
function defect(w: Tensor): Tensor {
  const form = w.matmul(J(w), { transposeA: true });
  return form.sub(J(addIdentity(form.mul(0))));
}

/** W ← W(I + JE/2): the Newton–Schulz step of the polar decomposition for J, quadratic. */
const cleanUp = (w: Tensor): Tensor => w.matmul(J(defect(w)), { alpha: 0.5, add: w });

/**
 * Sp(2k), WᵀJW = J, in body coordinates: tangents are WX with X Hamiltonian, X = JXᵀJ.
 *
 *     H = (WᵀU + J(WᵀU)ᵀJ)/2     X = msign(H), again Hamiltonian, or H     X ← X + κ(S − I)(S + I)⁻¹, S = WᵀW
 *     W ← W·R(−ηX), R = exp or Cayley     then one clean-up W ← W(I + JE/2), E = WᵀJW − J
 */
export function symplecticManifold({ direction, retraction, compactDecay, polar }: SymplecticManifoldOptions): Manifold {
  return {
    name: 'symplectic',
    refuses: (shape) => isSquare(shape, true),
    tangent: (w, u) => hamiltonian(inner(w, u)),
    ...(direction === 'spectral' && { lmo: (_: Tensor, xi: Tensor, epsilon: number) => polar(xi, epsilon) }),
    retract(w, a, rate, epsilon) {
      const X = compactDecay === 0 ? a : a.add(compactPull(w).mul(compactDecay));
      const V = X.mul(rate).neg();
      return cleanUp(w.matmul(retraction === 'exp' ? expm(V, epsilon) : cayley(V)));
    },
    project: (w, epsilon) => cleanSymplectic(nearOrOrthosymplectic(w, epsilon)),
    error: (w) => defect(w.wide()).abs().maximum(),
  };
}

/** (H + JHᵀJ)/2: the orthogonal projection to the algebra. */
const hamiltonian = (H: Tensor): Tensor => H.add(timesJ(J(H.T))).mul(0.5);

/** (I − V/2)⁻¹(I + V/2). */
const cayley = (V: Tensor): Tensor => solve(addIdentity(V.mul(-0.5)), addIdentity(V.mul(0.5)));

/** The clean-up, repeated until it changes nothing. */
export function cleanSymplectic(w: Tensor): Tensor {
  return repeat(
    8,
    { x: w },
    ({ x }) => ({ x: cleanUp(x) }),
    ({ x }) => defect(x).abs().maximum().eq(0),
  ).x;
}

/** msign((W − JWJ)/2): the average commutes with J, so its polar factor is orthogonal and symplectic. */
export const orthosymplectic = (w: Tensor, epsilon: number): Tensor => exactPolar(w.sub(timesJ(J(w))).mul(0.5), epsilon);

const nearOrOrthosymplectic = (w: Tensor, epsilon: number): Tensor =>
  repeat(
    1,
    { x: w },
    ({ x }) => ({ x: orthosymplectic(x, epsilon) }),
    ({ x }) => defect(x).abs().maximum().lt(0.5),
  ).x;
