import type { Shape, Tensor } from '@opt/core';

/** How a parameter is seen by the preconditioner: `fold` brings it into `shape`, `unfold` back. */
export interface Folding {
  readonly shape: Shape;
  fold(x: Tensor): Tensor;
  unfold(x: Tensor): Tensor;
}

export type DataFormat = 'channels_last' | 'channels_first';

/** Joins neighbouring axes from the left while their product stays within `limit`; axes of 1 vanish, longer ones stay. */
export function mergeDims(shape: Shape, limit: number): Shape {
  const merged: number[] = [];
  let current = 1;
  for (const axis of shape) {
    if (current * axis <= limit) {
      current *= axis;
    } else if (current > 1) {
      merged.push(current);
      current = axis;
    } else {
      merged.push(axis);
    }
  }
  if (current > 1 || merged.length === 0) merged.push(current);
  return merged;
}

/**
 * Kernels stored [out, in, kh, kw] ('channels_first') are first brought into the order [kh, kw, in, out], so that both
 * layouts merge to the useful [kh·kw·in, out].
 */
export function folding(shape: Shape, merge: boolean, limit: number, dataFormat: DataFormat): Folding {
  if (!merge || shape.length < 2) return { shape, fold: (x) => x, unfold: (x) => x };
  const permuted = shape.length === 4 && dataFormat === 'channels_first';
  const turn = (x: Tensor): Tensor => (permuted ? x.transpose([2, 3, 1, 0]) : x);
  const back = (x: Tensor): Tensor => (permuted ? x.transpose([3, 2, 0, 1]) : x);
  const stored = permuted ? [shape[2] ?? 1, shape[3] ?? 1, shape[1] ?? 1, shape[0] ?? 1] : shape;
  const merged = mergeDims(stored, limit);
  return { shape: merged, fold: (x) => turn(x).reshape(merged), unfold: (x) => back(x.reshape(stored)) };
}
