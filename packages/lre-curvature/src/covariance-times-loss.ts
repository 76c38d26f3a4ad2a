import { flag, resolve } from '@opt/core';
import type { Curvature } from './curvature.ts';
import { declareLoss, lossOf } from './loss.ts';
import { collect, collected, correctionOf, declareWindow } from './window.ts';

export interface CovarianceTimesLossOptions {
  /** Measure the loss from the least earlier one. Default true. */
  readonly adaptive?: boolean;
}

/** Covariance of gradients scaled by the loss, g·(ℓ − low). The gradient handed on is not scaled. */
export function covarianceTimesLoss(options: CovarianceTimesLossOptions = {}): Curvature {
  const name = 'covariance-times-loss';
  const { adaptive } = resolve(name, options, { adaptive: flag(true) });
  return {
    ...collected,
    name,
    declare(owner, d, window, at) {
      declareLoss(name, adaptive, owner, at);
      declareWindow(owner, d, window, at);
    },
    observe: (step) => correctionOf(collect(step, step.gradient.mul(lossOf(step, adaptive)))),
  };
}
