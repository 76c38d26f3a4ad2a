import { perTensor, type Transform } from '@opt/core';

/** Starts over from the gradient as it entered the basis: what stands before it in a chain is ignored. */
export const projectedGradient = (): Transform =>
  perTensor({ name: 'projected-gradient', apply: ({ gradient }) => ({ update: gradient }) });
