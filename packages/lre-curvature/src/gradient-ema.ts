import { resolve, type Setting, unit } from '@opt/core';
import type { Curvature } from './curvature.ts';
import { collect, collected, correctionOf, declareWindow } from './window.ts';

export interface GradientEmaOptions {
  /** β in [0, 1), default 0.9. */
  readonly beta?: Setting;
}

/** Covariance of an average of gradients: m = g first, then m ← βm + (1−β)g. An experiment of the original's. */
export function gradientEma(options: GradientEmaOptions = {}): Curvature {
  const name = 'gradient-ema';
  const { beta } = resolve(name, options, { beta: unit(0.9) });
  return {
    ...collected,
    name,
    declare(owner, d, window, at) {
      at.hyper(beta);
      at.slot('m', owner, { shape: [d], kind: 'invariant' });
      declareWindow(owner, d, window, at);
    },
    observe(step) {
      const { owner, site, gradient, first } = step;
      const m = first ? gradient : site.get('m', owner).lerp(gradient, site.hyper(beta).not());
      site.set('m', owner, m);
      return correctionOf(collect(step, m));
    },
  };
}
