import { mapValues, merged, own } from '../records.ts';
import type { Tensor } from '../trace/tensor.ts';
import type { Coordinates } from '../transform/transform.ts';

/** Coordinates of coordinates. */
export function composed(
  outer: Readonly<Record<string, Coordinates>>,
  inner: Readonly<Record<string, Coordinates>>,
): Record<string, Coordinates> {
  const both = mapValues(inner, (frame, owner) => {
    const around = own(outer, owner);
    if (around === undefined) return frame;
    return {
      shape: around.shape,
      project: (x: Tensor) => frame.project(around.project(x)),
      unproject: (u: Tensor) => around.unproject(frame.unproject(u)),
    };
  });
  return merged(outer, both);
}
