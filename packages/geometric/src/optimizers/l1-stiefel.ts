import { choice, perTensor, resolve, type Tensor, type Transform } from '@opt/core';
import { nameOf } from '@opt/transforms';
import { type ManifoldRule, manifoldRule } from '../manifold-rule.ts';
import { l1StiefelManifold, softThreshold } from '../manifolds/l1-stiefel.ts';
import { shortened, sym } from '../matrix.ts';
import { demand, integerIn, nonNegativeNumber, positiveNumber } from '../options.ts';
import { quinticOnWeights } from '../projected.ts';
import { learningRateOption, type ManifoldOptions, sharedOptions } from '../shared-options.ts';

export interface L1StiefelOptions extends ManifoldOptions {
  /** λ: in [0, 3] of mean|xi|, or any number ≥ 0 if absolute; default 0.5. Zero entries of a step: about 20 % at 0.5, 40 % at 1, 80 % at 2. */
  readonly l1Weight?: number;
  /** What λ is a multiple of, default 'relative'. */
  readonly l1Mode?: 'relative' | 'absolute';
  /** Steps of dual ascent, 0..1000, default 30: then tangent to 2·10⁻⁴. */
  readonly dualSteps?: number;
  /** r > 0, default 1. */
  readonly radius?: number;
}

/**
 * Stiefel, with steps that change few entries: the proximal tangent direction under λ‖A‖₁, of Frobenius norm √n, and the polar retraction,
 * which fills zeros of a step at second order in η, default 0.02.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option · TransformError if `strict`
 */
export function l1Stiefel(options: L1StiefelOptions = {}): ManifoldRule {
  const name = nameOf(options, 'l1-stiefel');
  const o = resolve(name, options, {
    ...sharedOptions('l1-stiefel'),
    learningRate: learningRateOption(options, 0.02),
    l1Weight: nonNegativeNumber(0.5),
    l1Mode: choice('relative', ['relative', 'absolute']),
    dualSteps: integerIn(30, 0, 1000),
    radius: positiveNumber(1),
  });
  demand(o.l1Mode === 'absolute' || o.l1Weight <= 3, name, 'l1Weight', "in [0, 3] with l1Mode 'relative'", o.l1Weight);
  return manifoldRule(o, {
    manifold: l1StiefelManifold({ ...o, complete: !o.strict }),
    projections: { 'newton-schulz': { map: quinticOnWeights(o, o.projectionEpsilon) } },
    before: [sparseGradient(o.l1Weight, o.l1Mode)],
  });
}

/** G ← soft(G − W sym(WᵀG), λ) as vukrosic/custom-optimizer-research has it, for wide W too, where it is no tangent. */
function sparseGradient(l1Weight: number, l1Mode: 'relative' | 'absolute'): Transform {
  return perTensor({
    name: 'sparse-gradient',
    apply({ update: given, parameter, site }) {
      if (given.shape.length !== 2) return {};
      const update = shortened(given, site);
      const xi: Tensor = parameter.matmul(sym(parameter.matmul(update, { transposeA: true })), { alpha: -1, add: update });
      return { update: softThreshold(xi, l1Mode === 'absolute' ? l1Weight : xi.abs().mean().mul(l1Weight)) };
    },
  });
}
