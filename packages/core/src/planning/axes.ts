import { type Shape, strides } from '../program/shape.ts';

/** One axis of a walk: its length, its stride in the value walked over and in the one that is read. */
export interface Axis {
  readonly length: number;
  readonly from: number;
  readonly to: number;
}

/** The axes of a walk over a value of `shape` that reads another one with strides `targets`, as few as possible. */
export function axesOf(shape: Shape, targets: readonly number[]): readonly Axis[] {
  const own = strides(shape);
  const axes: Axis[] = [];
  shape.forEach((length, i) => {
    if (length === 1) return;
    const axis = { length, from: own[i] ?? 0, to: targets[i] ?? 0 };
    const last = axes.at(-1);
    if (last !== undefined && last.to === axis.to * length) axes[axes.length - 1] = { ...axis, length: last.length * length };
    else axes.push(axis);
  });
  return axes;
}
