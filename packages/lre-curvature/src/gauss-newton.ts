import { noOptions } from '@opt/core';
import type { Curvature } from './curvature.ts';
import { ofSamples } from './samples.ts';

/**
 * Gauss–Newton matrix JᵀJ of the per-sample gradients J of residuals ρ; hands on Jᵀρ. Between refreshes the plain gradient serves,
 * which should be that of ½Σρ².
 */
export function gaussNewton(...none: readonly never[]): Curvature {
  noOptions('gaussNewton', none);
  return ofSamples('gauss-newton', (J, residuals) => residuals.reshape([1, -1]).matmul(J).reshape([-1]));
}
