import { noOptions } from '@opt/core';
import type { Curvature } from './curvature.ts';
import { collect, collected, correctionOf, declareWindow } from './window.ts';

/** Corrections ssᵀ with s = x_t − x_{t−1}; none on the first step. An experiment of the original's. */
export function update(...none: readonly never[]): Curvature {
  noOptions('update', none);
  return {
    ...collected,
    name: 'update',
    late: true,
    declare(owner, d, window, at) {
      at.slot('previous', owner, { shape: [d], kind: 'invariant' });
      declareWindow(owner, d, window, at);
    },
    observe(step) {
      const { owner, site, parameter, first } = step;
      const previous = site.get('previous', owner);
      site.set('previous', owner, parameter);
      return first ? {} : correctionOf(collect(step, parameter.sub(previous)));
    },
  };
}
