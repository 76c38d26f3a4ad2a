import { CheckpointError } from '../../errors.ts';
import { decoded, largestCoded } from '../../program/narrow.ts';
import type { Narrow } from '../../program/program.ts';
import type { SavedTensor } from './safetensors.ts';

/** The least and the largest element, and 0. */
export type Bounds = readonly [low: number, high: number];

/** From here on, f64 is rounded to an infinity in f32. */
const f32Limit = 2 ** 128 - 2 ** 103;

/** Where what codes stand for lies. @throws CheckpointError where one stands for no number that is written here */
export function codeBoundsOf(key: string, { data }: SavedTensor, narrow: Narrow, nonNegative: boolean): Bounds {
  let [low, high] = [0, 0];
  data.forEach((code, i) => {
    const x = decoded(narrow, code);
    if (!(Math.abs(x) <= largestCoded[narrow]) || (nonNegative && x < 0))
      throw new CheckpointError(
        `load: '${key}' must hold ${nonNegative ? 'no' : 'only'} ${nonNegative ? 'negative numbers' : `codes of ${narrow}`}, received ${x} as element ${i}`,
      );
    [low, high] = [Math.min(low, x), Math.max(high, x)];
  });
  return [low, high];
}

/** Where the elements lie. @throws CheckpointError unless every one is a number of the precision it is to be held in */
export function boundsOf(key: string, { data }: SavedTensor, precision: 'f32' | 'f64'): Bounds {
  const limit = precision === 'f32' ? f32Limit : Infinity;
  let [low, high] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    const x = data[i] ?? 0;
    if (x >= low && x <= high) continue;
    // NaN is not below anything.
    if (!(Math.abs(x) < limit))
      throw new CheckpointError(`load: '${key}' must hold numbers that are finite in ${precision}, received ${x} as element ${i}`);
    if (x < low) low = x;
    else high = x;
  }
  return [low, high];
}
