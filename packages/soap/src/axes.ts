import type { Shape } from '@opt/core';
import { type DataFormat, type Folding, folding } from './fold.ts';

/** Which sides of a matrix have a basis: both, the left (rows), the right, or the one with fewer entries, left on a tie. */
export type SidesOption = 'both' | 'left' | 'right' | 'shorter';

export interface AxesOptions {
  readonly maxPreconditionDim: number;
  readonly mergeDims: boolean;
  readonly precondition1d: boolean;
  readonly dataFormat: DataFormat;
  readonly sides: SidesOption;
}

export const foldingOf = (shape: Shape, o: AxesOptions): Folding => folding(shape, o.mergeDims, o.maxPreconditionDim, o.dataFormat);

/** The axes of the folded parameter that have a basis. A vector has one only on request; an axis of 1 has nothing to rotate. */
export function activeAxes(shape: Shape, o: AxesOptions): number[] {
  if (shape.length === 0 || (shape.length === 1 && !o.precondition1d)) return [];
  const folded = foldingOf(shape, o).shape;
  const [rows = 1, columns = 1] = folded;
  const only = o.sides === 'shorter' ? (rows <= columns ? 0 : 1) : o.sides === 'left' ? 0 : 1;
  return [...folded.entries()].flatMap(([axis, d]) =>
    d > 1 && d <= o.maxPreconditionDim && (folded.length !== 2 || o.sides === 'both' || axis === only) ? [axis] : [],
  );
}
