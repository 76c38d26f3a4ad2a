import { allFinite, type Shape, type Site, symmetricPower, type Tensor, where } from '@opt/core';

/** Which sides of a matrix have a factor: both, the left (rows), the right, or the one with fewer entries. */
export type Sides = 'both' | 'left' | 'right' | 'shorter';

export interface AxesOptions {
  readonly maxPreconditionDim: number;
  readonly precondition1d: boolean;
  readonly sides: Sides;
}

/** The axes that have a factor. */
export function activeAxes(shape: Shape, { maxPreconditionDim, precondition1d, sides }: AxesOptions): number[] {
  if (shape.length === 1 && !precondition1d) return [];
  const [rows = 1, columns = 1] = shape;
  const only = sides === 'shorter' ? (rows <= columns ? 0 : 1) : sides === 'left' ? 0 : 1;
  return [...shape.keys()].filter(
    (axis) => (shape[axis] ?? 1) <= maxPreconditionDim && (shape.length !== 2 || sides === 'both' || axis === only),
  );
}

/** p of A^(−p): ½ on the one side of a matrix, else 1/(2r) with r the rank. */
export const exponentOf = (shape: Shape, sides: Sides): number => (shape.length === 2 && sides !== 'both' ? 0.5 : 1 / (2 * shape.length));

/**
 * B = (A − min(0, λ_min)·I + εI)^(−p), by an eigendecomposition in the best precision there is; the old B where it would not be finite.
 * Where a backend defers the decomposition of a long axis, B stays as it is until that has come.
 */
export function inverseRoot(
  site: Site,
  name: string,
  owner: string,
  due: boolean,
  { A, B, epsilon, exponent }: { readonly A: Tensor; readonly B: Tensor; readonly epsilon: Tensor; readonly exponent: number },
): Tensor {
  const found = site.later(
    name,
    owner,
    due,
    () => ({ A }),
    ({ A: asked }) => asked.wide().eigh(),
  );
  const [values, vectors] = [found?.['values'], found?.['vectors']];
  if (values === undefined || vectors === undefined) return B;
  const next = symmetricPower({ values, vectors }, -exponent, epsilon).working();
  return where(allFinite(next), next, B);
}
