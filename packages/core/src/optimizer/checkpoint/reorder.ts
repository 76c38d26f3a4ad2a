import { CheckpointError } from '../../errors.ts';
import { isNarrow } from '../../program/narrow.ts';
import type { DType } from '../../program/program.ts';
import { printShape, type Shape, sameShape, size } from '../../program/shape.ts';
import type { SavedTensor } from './safetensors.ts';

/** The parameters of a joined slot, in its order. */
export type Join = readonly (readonly [name: string, shape: Shape])[];

export function sameParameters(one: Join, other: Join): boolean {
  const shapes = new Map(other);
  return one.length === other.length && one.every(([name, shape]) => sameShape(shape, shapes.get(name) ?? [Number.NaN]));
}

/** A joined slot saved under another order of its parameters, in the order of today. Both orders have the same parameters. */
export function reorder(key: string, tensor: SavedTensor, saved: Join, today: Join, dtype?: DType): SavedTensor {
  if (saved.every(([name], i) => name === today[i]?.[0])) return tensor;
  if (isNarrow(dtype) && dtype !== 'bf16')
    throw new CheckpointError(
      `load: '${key}' is held in blocks of ${dtype}, which cannot be reordered: name the parameters in the file's order`,
    );
  const total = today.reduce((sum, [, shape]) => sum + size(shape), 0);
  const [axis, ...more] = tensor.shape.flatMap((n, i) => (n === total ? [i] : []));
  if (axis === undefined) return tensor;
  if (more.length > 0)
    throw new CheckpointError(
      `load: '${key}' of shape ${printShape(tensor.shape)} cannot be reordered: two axes are as long as all parameters together`,
    );
  return { shape: tensor.shape, data: permuted(tensor, axis, saved, today) };
}

function permuted({ shape, data }: SavedTensor, axis: number, saved: Join, today: Join): SavedTensor['data'] {
  const inner = size(shape.slice(axis + 1));
  const row = inner * (shape[axis] ?? 1);
  const starts = new Map<string, number>();
  let end = 0;
  for (const [name, part] of saved) {
    starts.set(name, end);
    end += size(part) * inner;
  }
  const result = data.slice();
  for (let first = 0; first < data.length; first += row) {
    let to = first;
    for (const [name, part] of today) {
      const from = first + (starts.get(name) ?? 0);
      const length = size(part) * inner;
      result.set(data.subarray(from, from + length), to);
      to += length;
    }
  }
  return result;
}
