import { expect, test } from 'vitest';
import { batches } from './batches.ts';
import { stream } from './stream.ts';

const collect = (next: () => Uint32Array, count: number): number[][] => Array.from({ length: count }, () => [...next()]);

test('an epoch holds every sample once, its last batch is the shorter rest, and the stream runs on', () => {
  const drawn = collect(batches(10, 4, stream(0, 'batches')), 6);
  expect(drawn.map((batch) => batch.length)).toEqual([4, 4, 2, 4, 4, 2]);
  const [first, second] = [drawn.slice(0, 3).flat(), drawn.slice(3).flat()];
  expect([...first].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect([...second].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(second).not.toEqual(first);
});

test('the order depends on the seed and on nothing else', () => {
  const order = (seed: number) => collect(batches(50, 7, stream(seed, 'batches')), 9);
  expect(order(3)).toEqual(order(3));
  expect(order(3)).not.toEqual(order(4));
});

test('the swaps are those of the definition: i downwards, j = ⌊u·(i+1)⌋', () => {
  // u = 0 swaps every i with 0: 0 1 2 3 → 3 1 2 0 → 2 1 3 0 → 1 2 3 0.
  expect(
    collect(
      batches(4, 4, () => 0),
      1,
    ),
  ).toEqual([[1, 2, 3, 0]]);
  // u just below 1 swaps every i with itself.
  expect(
    collect(
      batches(4, 4, () => 0.999),
      1,
    ),
  ).toEqual([[0, 1, 2, 3]]);
});

test('batches already handed out do not change when the next epoch is shuffled', () => {
  const next = batches(4, 2, stream(1, 'batches'));
  const first = next();
  const copy = [...first];
  for (let i = 0; i < 5; i++) next();
  expect([...first]).toEqual(copy);
});
