import type { Shape, Tensor } from '@opt/core';

export type Direction = 'spectral' | 'riemannian';

/** msign(M); `epsilon`: that of working precision. */
export type PolarOf = (m: Tensor, epsilon: number) => Tensor;

/** What a shape would have to be where it is no matrix, or a batch of them. */
export const isMatrix = (shape: Shape): string | undefined => (shape.length < 2 ? 'a matrix' : undefined);

export function isSquare(shape: Shape, even: boolean): string | undefined {
  const [m, n] = shape;
  const fits = shape.length === 2 && m === n && (n ?? 0) >= 2 && !(even && (n ?? 0) % 2 === 1);
  return fits ? undefined : `square${even ? ' of even size' : ''}, at least 2 × 2`;
}
