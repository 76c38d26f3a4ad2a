import type { ProductShape, Window } from '../emit/call.ts';
import { perMultiplyAdd, perPacked } from './cost.ts';

/**
 * Blocks of a product, each a task. They are cut where the kernel starts a new register tile, and are wide and tall enough for it to take the
 * same way as with the whole, so that every element comes out with the same bits.
 */
const tile = 8;
const least = 64;
/** Below this many rows or columns the kernel takes another way. */
const narrowest = 48;
const mostCuts = 16;

/** Ends of `count` stretches of equal length, in whole tiles; undefined where the last one would be too narrow. */
function cuts(length: number, count: number): readonly number[] | undefined {
  const step = Math.ceil(length / count / tile) * tile;
  const ends = Array.from({ length: count }, (_, i) => Math.min(length, (i + 1) * step));
  return count > 1 && length - (count - 1) * step < narrowest ? undefined : ends;
}

const stretches = (ends: readonly number[]): readonly (readonly [from: number, end: number])[] =>
  ends.map((end, i) => [ends[i - 1] ?? 0, end]);

/** A matrix as a grid of blocks: what keeps `threads` threads busy for the shortest time, packing included. */
export function gridOf({ m, n, k }: ProductShape, threads: number): readonly Window[] {
  let best: { readonly time: number; readonly rows: readonly number[]; readonly columns: readonly number[] } | undefined;
  for (let down = 1; down <= Math.max(1, Math.min(mostCuts, Math.floor(m / least))); down++) {
    for (let across = 1; across <= Math.max(1, Math.min(mostCuts, Math.floor(n / least))); across++) {
      const [rows, columns] = [cuts(m, down), cuts(n, across)];
      if (rows === undefined || columns === undefined) continue;
      const [tall, wide] = [rows[0] ?? m, columns[0] ?? n];
      const block = tall * wide * k * perMultiplyAdd + (tall + wide) * k * perPacked + 200;
      // And a little of a block: threads do not end at the same time.
      const time = (Math.ceil((down * across) / threads) + 0.05) * block;
      if (best === undefined || time < best.time) best = { time, rows, columns };
    }
  }
  if (best === undefined) return [];
  const { rows, columns } = best;
  return stretches(rows).flatMap((down) => stretches(columns).map((across): Window => window(down, across, false)));
}

/** The rows of a symmetric result, in blocks of about as many elements on and below the diagonal. */
export function rowsOf({ n }: ProductShape, threads: number): readonly (readonly [from: number, end: number])[] {
  const count = Math.min(2 * threads, Math.floor(n / (2 * least)));
  const ends: number[] = [];
  for (let i = 1; i < count; i++) {
    const end = Math.round((n * Math.sqrt(i / count)) / tile) * tile;
    if (end - (ends.at(-1) ?? 0) >= least && n - end >= least) ends.push(end);
  }
  return stretches([...ends, n]);
}

export const window = (rows: readonly [number, number], columns: readonly [number, number], symmetric: boolean): Window => ({
  batch: [0, 1],
  rows,
  columns,
  symmetric,
});
