import { noOptions } from '@opt/core';
import type { Curvature } from './curvature.ts';
import { ofSamples } from './samples.ts';

/**
 * Empirical Fisher matrix JᵀJ of the per-sample gradients J; hands on their sum. Between refreshes the plain gradient serves, which
 * should be that of the sum of the losses. Sums, not means: scale by the batch size in the loss.
 */
export function empiricalFisher(...none: readonly never[]): Curvature {
  noOptions('empiricalFisher', none);
  return ofSamples('empirical-fisher', (J) => J.sum([0]));
}
