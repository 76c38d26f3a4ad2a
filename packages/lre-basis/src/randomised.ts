import { integer, resolve } from '@opt/core';
import type { LowRankBasis } from './low-rank-basis.ts';
import { Accumulator, type AccumulatorOptions, accumulatorOptions } from './rounds.ts';
import { rayleighRitz, startOr, sumOf } from './sketch.ts';

export interface RandomisedOptions extends AccumulatorOptions {
  /** Columns beyond the rank in the sketch, integer ≥ 0, default 10. With at least as many as a correction has, the result is exact. */
  readonly oversampling?: number;
}

/**
 * Randomised eigendecomposition (Halko et al. 2011, 5.3) of A = w₁QLQᵀ + w₂YYᵀ: W = QR(AΩ) with a normal Ω, then the eigenpairs of
 * WᵀAW. Needs symmetric corrections. Dearer than `direct` and, for corrections of one column, the same. Defaults: eigTol 1e-12,
 * updateDamping 1e-12.
 */
export function randomised(options: RandomisedOptions = {}): LowRankBasis {
  const o = resolve('randomised', options, { ...accumulatorOptions(1e-12, 1e-12), oversampling: integer(10, 0) });
  const accumulator = new Accumulator(o);
  return {
    name: 'randomised',
    eigenvalues: true,
    asymmetric: false,
    signed: true,
    width: (d) => accumulator.width(d),
    declare: (owner, d, _, at) => accumulator.declare(owner, d, at),
    read: (owner, site) => accumulator.read(owner, site),
    update(step) {
      const { owner, site } = step;
      const sum = sumOf(accumulator, step);
      const [d = 0] = sum.Q.shape;
      const W = startOr(step, () => {
        const omega = site.draw('omega', owner, 'normal', [d, Math.min(o.rank + o.oversampling, d)]);
        // Not by a Gram matrix, which in f32 loses what is below 1e-3 of the largest eigenvalue.
        return sum.times(omega).orthonormalize('zero', 10 * site.epsilon);
      });
      return rayleighRitz(accumulator, step, sum, W);
    },
  };
}
