import type { Factorizations } from '../dispatch.ts';
import { cholesky } from './cholesky.ts';
import { eigh, eighLimit } from './eigh/eigh.ts';
import { orthonormalize, orthonormalizeLimit } from './orthonormalize/orthonormalize.ts';
import { solveTriangular } from './solve-triangular.ts';

/** The factorisations of every device: none asks for more than the limits that WebGPU guarantees. */
export const factorizations: Factorizations = {
  eigh: (batch, n) => (n <= eighLimit ? eigh({ n, batch }) : undefined),
  orthonormalize: (batch, rows, columns, deficient, tolerance) =>
    columns <= orthonormalizeLimit ? orthonormalize({ rows, columns, batch, deficient, tolerance }) : undefined,
  cholesky: (batch, n) => cholesky({ n, batch }),
  solveTriangular: (batch, n, columns, transpose) => solveTriangular({ n, columns, batch, transpose }),
};
