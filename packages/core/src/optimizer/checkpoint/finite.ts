import { CheckpointError } from '../../errors.ts';
import type { SavedTensor } from './safetensors.ts';

/** From here on, f64 is rounded to an infinity in f32. */
const f32Limit = 2 ** 128 - 2 ** 103;

/** Throws unless every element is a number of the precision it is to be held in. */
export function checkFinite(key: string, { data }: SavedTensor, precision: 'f32' | 'f64'): void {
  const limit = precision === 'f32' ? f32Limit : Infinity;
  // One comparison an element: NaN is not below anything.
  for (let i = 0; i < data.length; i++) {
    const x = data[i] ?? 0;
    if (!(Math.abs(x) < limit))
      throw new CheckpointError(`load: '${key}' must hold numbers that are finite in ${precision}, received ${x} as element ${i}`);
  }
}
