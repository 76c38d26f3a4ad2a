import { noOptions } from '@opt/core';
import type { Curvature } from './curvature.ts';
import { collect, collected, correctionOf, declareWindow } from './window.ts';

/** Corrections xxᵀ of the parameters themselves. An experiment of the original's. */
export function parameters(...none: readonly never[]): Curvature {
  noOptions('parameters', none);
  return {
    ...collected,
    name: 'parameters',
    declare: declareWindow,
    observe: (step) => correctionOf(collect(step, step.parameter)),
  };
}
