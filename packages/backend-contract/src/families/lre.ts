import { lre } from '@opt/lre';
import type { Family } from './family.ts';
import { basisKinds, chainOf, curvatureKinds, partOf } from './lre-parts.ts';

export const lreFamily: Family = {
  optimizers: {
    lre: ({ curvature, basis, inner, ...options }) =>
      lre({ ...options, curvature: partOf(curvatureKinds, curvature), basis: partOf(basisKinds, basis), inner: chainOf(inner) }),
  },
  components: {},
};
