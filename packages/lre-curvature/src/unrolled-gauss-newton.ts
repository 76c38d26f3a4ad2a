import { flag, integer, mod, resolve, saturate } from '@opt/core';
import type { Curvature } from './curvature.ts';
import { declareLoss, lossOf } from './loss.ts';
import { collect, collected, correctionOf, declareWindow } from './window.ts';

export interface UnrolledGaussNewtonOptions {
  /** H: how many steps are summed, integer ≥ 1, default 10. */
  readonly historySize?: number;
  /** Measure each loss from the least one before it. Default false. */
  readonly adaptive?: boolean;
}

/** Gauss–Newton over time: hands on Σ gᵢℓᵢ over the last H steps; the corrections are the gradients themselves. */
export function unrolledGaussNewton(options: UnrolledGaussNewtonOptions = {}): Curvature {
  const name = 'unrolled-gauss-newton';
  const { historySize: H, adaptive } = resolve(name, options, { historySize: integer(10), adaptive: flag(false) });
  return {
    ...collected,
    name,
    declare(owner, d, window, at) {
      declareLoss(name, adaptive, owner, at);
      declareWindow(owner, d, window, at);
      at.slot('gradients', owner, { shape: [H, d], kind: 'invariant' });
      at.slot('losses', owner, { shape: [H], kind: 'invariant' });
    },
    observe(step) {
      const { owner, site, gradient } = step;
      const place = mod(site.count(owner).sub(1), H);
      const gradients = site.get('gradients', owner).setRow(place, gradient);
      const losses = site.get('losses', owner).setRow(place, saturate(lossOf(step, adaptive), site.largest, 2, 1024 * H));
      site.set('gradients', owner, gradients);
      site.set('losses', owner, losses);
      return { gradient: losses.reshape([1, H]).matmul(gradients).reshape([-1]), ...correctionOf(collect(step, gradient)) };
    },
  };
}
