import { type Declarer, saturate, size, type Tensor } from '@opt/core';
import type { Curvature, CurvatureStep } from './curvature.ts';

/** A curvature made of per-sample gradients J [b, d]: a correction JᵀJ on every refresh, b columns wide. */
export function ofSamples(name: string, gradientOf: (J: Tensor, losses: Tensor) => Tensor): Curvature {
  return {
    name,
    rejects: false,
    signed: false,
    multiplies: false,
    asymmetric: false,
    offers: ['jacobian'],
    columns: 'samples',
    declare: (_owner: string, _d: number, _window: number, at: Declarer) => at.needs({ what: 'perSampleGradients', by: name }),
    observe({ owner, site, gradient, refresh }: CurvatureStep) {
      if (!refresh) return {};
      const { gradients, losses } = site.samples(owner, gradient.shape);
      const within = (x: Tensor): Tensor => saturate(x, site.largest, 2, 1024 * size(x.shape));
      const [J, residuals] = [within(gradients), within(losses)];
      return { gradient: gradientOf(J, residuals), correction: { Y: J }, jacobian: J };
    },
  };
}
