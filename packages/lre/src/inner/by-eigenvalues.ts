import { noOptions, perTensor, saturate, type Tensor, type Transform } from '@opt/core';

/** A stage that scales coordinates by a function of the eigenvalues of the basis it runs in, which may be squares of what working precision holds. */
const byEigenvalues = (name: string, scale: (u: Tensor, L: Tensor) => Tensor): Transform =>
  perTensor({
    name,
    needs: [{ what: 'eigenvalues', hint: 'use it inside lre with a basis that has them, such as ggt()' }],
    apply({ update: u, site: { extras, largest } }) {
      const { eigenvalues: L } = extras;
      return L === undefined ? {} : { update: saturate(scale(u.wide(), L.wide()), largest).working() };
    },
  });

/** u/L: the Newton step, for curvatures that are Hessians. */
export function lInv(...none: readonly never[]): Transform {
  noOptions('lInv', none);
  return byEigenvalues('l-inv', (u, L) => u.div(L));
}

/** u/√L: whitening, for covariances. NaN where L is negative. */
export function lInvSqrt(...none: readonly never[]): Transform {
  noOptions('lInvSqrt', none);
  return byEigenvalues('l-inv-sqrt', (u, L) => u.div(L.sqrt()));
}

/** u·L: the Newton step for a curvature that tracks the inverse, `sr1({ inverse: true })`. */
export function lTimes(...none: readonly never[]): Transform {
  noOptions('lTimes', none);
  return byEigenvalues('l-times', (u, L) => u.mul(L));
}
