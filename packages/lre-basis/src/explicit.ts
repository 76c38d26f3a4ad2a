import type { Tensor } from '@opt/core';
import type { Factors } from './low-rank-basis.ts';

/** Q kept as it is, [d, R]. */
export const explicit = (Q: Tensor): Factors => ({
  down: (X) => X.matmul(Q),
  up: (U) => U.matmul(Q, { transposeB: true }),
});

/** Only some of its columns: Q∘mask. */
export const masked = ({ down, up }: Factors, mask: Tensor): Factors => ({
  down: (X) => down(X).mul(mask),
  up: (U) => up(U.mul(mask)),
});
