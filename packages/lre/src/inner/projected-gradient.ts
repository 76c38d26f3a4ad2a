import { noOptions, perTensor, type Transform } from '@opt/core';

/** Starts over from the gradient as it entered the basis: what stands before it in a chain is ignored. */
export function projectedGradient(...none: readonly never[]): Transform {
  noOptions('projectedGradient', none);
  return perTensor({ name: 'projected-gradient', apply: ({ gradient }) => ({ update: gradient }) });
}
