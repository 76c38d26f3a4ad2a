import { noOptions } from '@opt/core';
import type { Curvature } from './curvature.ts';
import { collect, collected, correctionOf, declareWindow } from './window.ts';

/** Covariance of gradients: a correction ggᵀ per step. */
export function covariance(...none: readonly never[]): Curvature {
  noOptions('covariance', none);
  return {
    ...collected,
    name: 'covariance',
    declare: declareWindow,
    observe: (step) => correctionOf(collect(step, step.gradient)),
  };
}
