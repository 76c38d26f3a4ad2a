import { expect, it } from 'vitest';
import { train } from './train.ts';

it('learns from a few dozen batches, beginning with the loss of a guess', () => {
  const losses: number[] = [];
  train(60, (_, loss) => losses.push(loss));
  expect(losses).toHaveLength(60);
  // SOAP's first call sets up its basis and moves nothing; a guess among ten classes costs log 10.
  expect(Math.abs((losses[0] ?? 0) - Math.log(10))).toBeLessThan(0.3);
  expect(Math.min(...losses.slice(50))).toBeLessThan(1.5);
});
