import { choice, fixed, message, type Option, OptionTypeError, resolve } from '@opt/core';
import type { Manifold } from '../manifold.ts';
import { type ManifoldRule, manifoldRule } from '../manifold-rule.ts';
import { stiefelManifold } from '../manifolds/stiefel.ts';
import { positiveNumber } from '../options.ts';
import { polarFactor } from '../polar-options.ts';
import { quinticOnWeights } from '../projected.ts';
import { learningRateOption, type ManifoldOptions, sharedOptions } from '../shared-options.ts';
import { type Axis, blockView, viewed } from '../view.ts';

export interface BlockStiefelOptions extends ManifoldOptions {
  /** b ≥ 1: equal blocks, such as attention heads; 3·heads for a fused QKV. */
  readonly blocks: number;
  /** Along which axis they follow each other, default 'rows': outputs, for 'out-in'. */
  readonly axis?: Axis;
  /** r > 0, default 1. */
  readonly radius?: number;
}

const blockCount: Option<number> = (value, rule, option) => {
  const range = { rule: 'an integer >= 1', holds: (x: number) => Number.isInteger(x) && x >= 1 };
  if (value === undefined) throw new OptionTypeError(message(rule, option, range.rule, value));
  return fixed(1, range)(value, rule, option);
};

/**
 * Every block of W on its own Stiefel manifold, each with a `stiefel` step of the same η, default 0.02: steepest descent under the largest
 * spectral norm of a block. A block is tall or wide by its own shape. One block is `stiefel`.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option · TransformError if `strict` and not divisible
 */
export function blockStiefel(options: BlockStiefelOptions): ManifoldRule {
  const o = resolve('block-stiefel', options, {
    ...sharedOptions('block-stiefel'),
    learningRate: learningRateOption(options, 0.02),
    blocks: blockCount,
    axis: choice('rows', ['rows', 'columns']),
    radius: positiveNumber(1),
  });
  const { axis, blocks, radius, strict } = o;
  const quinticMap = quinticOnWeights(o, o.projectionEpsilon);
  return manifoldRule(o, {
    manifold: blockStiefelManifold(axis, blocks, stiefelManifold({ ...dualFree, radius, polar: polarFactor(o), complete: !strict })),
    projections: {
      'newton-schulz': {
        map(w, epsilon) {
          const view = blockView(w.shape, axis, blocks);
          return view.unfold(quinticMap(view.fold(w), epsilon));
        },
      },
    },
  });
}

const dualFree = {
  direction: 'spectral',
  retraction: 'polar',
  dualSteps: 0,
  dualLearningRate: 0,
  dualTolerance: 0,
  dualNormalize: false,
} as const;

/** Matrices whose equal blocks each lie on `block`. */
export function blockStiefelManifold(axis: Axis, blocks: number, block: Manifold): Manifold {
  const manifold = viewed(block, (shape) => blockView(shape, axis, blocks));
  const side = (shape: readonly number[]): number => shape.at(axis === 'rows' ? -2 : -1) ?? 1;
  return {
    ...manifold,
    name: 'block-stiefel',
    refuses: (shape) =>
      shape.length >= 2 && side(shape) % blocks === 0 ? undefined : `a matrix that can be divided into ${blocks} blocks of ${axis}`,
  };
}
