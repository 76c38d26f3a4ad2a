import { isModerate, nonNegative, perTensor, resolve, type Setting, saturate, type Transform, where } from '@opt/core';

export interface DescendOptions {
  /** η ≥ 0, default 1e-3. */
  readonly learningRate?: Setting;
}

/**
 * p ← p − η·gain·u: the move that applies a direction. `gain` is what travels beside it, such as a bias correction. An element that would go
 * beyond the largest number stays there.
 */
export function descend(options: DescendOptions = {}): Transform {
  return perTensor({
    name: 'descend',
    hyper: resolve('descend', options, { learningRate: nonNegative(1e-3) }),
    apply({ update: u, parameter: p, gain, hyper: { learningRate }, site }) {
      const moved = p.sub(u.mul(gain === undefined ? learningRate : learningRate.mul(gain)));
      // A direction that is infinite is a mistake to be found, not a sum without a number.
      return { parameter: isModerate(u) ? moved : where(u.isFinite(), saturate(moved, site.largest), moved) };
    },
  });
}
