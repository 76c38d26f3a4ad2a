import { choice, resolve } from '@opt/core';
import { type ManifoldRule, manifoldRule } from '../manifold-rule.ts';
import { slManifold } from '../manifolds/sl.ts';
import { symplecticManifold } from '../manifolds/symplectic.ts';
import { nonNegativeNumber } from '../options.ts';
import { polarFactor } from '../polar-options.ts';
import { quinticOnWeights } from '../projected.ts';
import { learningRateOption, type ManifoldOptions, sharedOptions } from '../shared-options.ts';

export interface SlMuonOptions extends ManifoldOptions {
  /** msign of the body gradient (default, η 0.02), or the body gradient. */
  readonly direction?: 'spectral' | 'riemannian';
  /** Default and only one: 'exp'. */
  readonly retraction?: 'exp';
  /**
   * κ ≥ 0, default 1.1: pull towards the orthogonal part of the group. Above 1 it keeps singular values below about e^{atanh(1/κ)}; without
   * it they grow geometrically: then use η ≤ 0.005 and watch `conditionNumber`.
   */
  readonly compactDecay?: number;
}

export interface SymplecticOptions extends Omit<SlMuonOptions, 'retraction'> {
  /** Default 'exp'. */
  readonly retraction?: 'exp' | 'cayley';
}

/**
 * det W = 1, square W: H = tracefree(WᵀU), X = tracefree(msign(H)), W ← W·e^{−η(X + κT)}; η is relative to W, default 0.02. Other shapes
 * go to AdamW.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option · TransformError if `strict`, or for a start with |det W|^{1/n} < 10⁻⁴·s_max
 */
export function slMuon(options: SlMuonOptions = {}): ManifoldRule {
  const o = resolve('sl-muon', options, {
    ...sharedOptions('sl-muon'),
    learningRate: learningRateOption(options, 0.02),
    direction: choice('spectral', ['spectral', 'riemannian']),
    retraction: choice('exp', ['exp']),
    compactDecay: nonNegativeNumber(1.1),
  });
  const manifold = slManifold({ ...o, polar: polarFactor(o) });
  const quinticMap = quinticOnWeights(o, o.projectionEpsilon);
  const map = (w: Parameters<typeof quinticMap>[0], epsilon: number) => manifold.project(quinticMap(w, epsilon), epsilon);
  return manifoldRule(o, { manifold, projections: { 'newton-schulz': { map, first: manifold.project } } });
}

/**
 * WᵀJW = J, square W of even size: X = msign of the Hamiltonian part of WᵀU, W ← W·R(−η(X + κT)), then one clean-up; η default 0.02.
 * Other shapes go to AdamW.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option · TransformError if `strict`
 */
export function symplectic(options: SymplecticOptions = {}): ManifoldRule {
  const o = resolve('symplectic', options, {
    ...sharedOptions('symplectic'),
    learningRate: learningRateOption(options, 0.02),
    direction: choice('spectral', ['spectral', 'riemannian']),
    retraction: choice('exp', ['exp', 'cayley']),
    compactDecay: nonNegativeNumber(1.1),
  });
  return manifoldRule(o, { manifold: symplecticManifold({ ...o, polar: polarFactor(o) }) });
}
