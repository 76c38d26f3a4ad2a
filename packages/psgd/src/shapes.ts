import { type Shape, size } from '@opt/core';

export type MergeDims = 'squarest' | 'last' | 'off';
export type MemorySaveMode = 'smartOneDiag' | 'oneDiag' | 'allDiag';

/** A tensor of rank ≥ 3 as a matrix, without moving an element; a scalar as [1]. */
export function merged(shape: Shape, mergeDims: MergeDims): Shape {
  if (shape.length === 0) return [1];
  if (shape.length < 3 || mergeDims === 'off') return shape;
  const [first, last, count] = [shape[0] ?? 1, shape.at(-1) ?? 1, size(shape)];
  const [byLast, byFirst] = [
    [count / last, last],
    [first, count / first],
  ] as const;
  const side = ([a, b]: readonly [number, number]): number => Math.abs(a - b);
  return mergeDims === 'last' || side(byLast) <= side(byFirst) ? byLast : byFirst;
}

export interface FactorOptions {
  readonly maxSizeTriangular: number;
  readonly minNdimTriangular: number;
  readonly memorySaveMode: MemorySaveMode | null;
}

/** For each axis of a merged shape, whether its factor is diagonal. */
export function diagonalAxes(shape: Shape, { maxSizeTriangular, minNdimTriangular, memorySaveMode }: FactorOptions): boolean[] {
  const longest = Math.max(...shape);
  const last = shape.lastIndexOf(longest);
  const alone = shape.length >= 2 && shape.indexOf(longest) === last;
  return shape.map(
    (d, axis) =>
      d === 1 ||
      d > maxSizeTriangular ||
      shape.length < minNdimTriangular ||
      memorySaveMode === 'allDiag' ||
      (axis === last && (memorySaveMode === 'oneDiag' || (memorySaveMode === 'smartOneDiag' && alone))),
  );
}
