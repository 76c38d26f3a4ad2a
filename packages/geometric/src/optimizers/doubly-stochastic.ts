import { choice, fixed, full, integer, optional, resolve } from '@opt/core';
import { type ManifoldRule, manifoldRule } from '../manifold-rule.ts';
import { doublyStochasticManifold } from '../manifolds/doubly-stochastic.ts';
import { nonNegativeNumber, positiveNumber } from '../options.ts';
import { learningRateOption, type ManifoldOptions, sharedOptions } from '../shared-options.ts';
import { expSinkhorn } from '../sinkhorn.ts';

export interface DoublyStochasticOptions extends ManifoldOptions {
  /** D = C/max|C| (default), so that η is the largest change of a logarithm, [0, 2], default 0.1; or D = C. */
  readonly gradientScale?: 'centered-max' | 'none';
  /** Rounds of Sinkhorn at most, ≥ 1, default 100; what is then missing is made up exactly. */
  readonly sinkhornIterations?: number;
  /** Error of a row sum at which it ends, ≥ 0; default 1e-7 in f32, 1e-14 in f64. */
  readonly sinkhornTolerance?: number | null;
  /** Least entry, in (0, 10⁻³), default 1e-12: lets an entry come back. */
  readonly floor?: number;
  /** Of projection 'exp-sinkhorn', > 0, default 1. */
  readonly temperature?: number;
}

/** The largest change of a logarithm in one step. */
const logarithmic = { rule: 'in [0, 2]', holds: (x: number): boolean => x >= 0 && x <= 2 };

/**
 * W ≥ 0 with row sums 1 and column sums m/n, by entropic mirror descent: W ← Sinkhorn(W∘exp(−ηD)). For permutations, assignments and
 * mixing weights; a dense layer under this constraint can only average.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option · TransformError if `strict`
 */
export function doublyStochastic(options: DoublyStochasticOptions = {}): ManifoldRule {
  const o = resolve('doubly-stochastic', options, {
    ...sharedOptions('doubly-stochastic'),
    learningRate: learningRateOption(options, 0.1, logarithmic),
    gradientScale: choice('centered-max', ['centered-max', 'none']),
    sinkhornIterations: integer(100),
    sinkhornTolerance: optional(nonNegativeNumber(1e-7)),
    floor: fixed(1e-12, { rule: 'in (0, 1e-3)', holds: (x) => x > 0 && x < 1e-3 }),
    temperature: positiveNumber(1),
  });
  const { sinkhornIterations, temperature, projectionEpsilon } = o;
  return manifoldRule(o, {
    manifold: doublyStochasticManifold(o),
    projections: {
      // The repository starts at the mean, whatever it is given.
      'exp-sinkhorn': {
        map: (w) => expSinkhorn(w, sinkhornIterations, temperature, projectionEpsilon),
        first: (w) => full(w.shape, 1 / (w.shape[1] ?? 1)).add(w.mul(0)),
      },
    },
  });
}
