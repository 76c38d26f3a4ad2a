import { expect, it } from 'vitest';
import { Curve } from './curve.ts';

const progress = (losses: readonly number[], accuracy?: number) => ({
  losses,
  stepMilliseconds: 2,
  gradientMilliseconds: 5,
  tested: accuracy === undefined ? undefined : { loss: 1, accuracy },
});

it('curves are by batches of everybody, so that teams and one worker can be compared', () => {
  const [team, large] = [new Curve(2), new Curve(1, 2)];
  team.add(1, progress([4, 2]));
  team.add(0, progress([3, 1], 0.5));
  large.add(0, progress([3.5, 1.5], 0.5));
  const [a, b] = [team.run('a', 'A', '#000', 0.1), large.run('b', 'B', '#000', 0.1)];
  expect(a.losses).toEqual([3, 4, 1, 2]);
  expect(b.losses).toEqual([3.5, 3.5, 1.5, 1.5]);
  expect(a.tests).toEqual([{ afterStep: 4, loss: 1, accuracy: 0.5 }]);
  expect(b.tests).toEqual(a.tests);
  expect(team.loss).toBe(2.5);
  expect([a.optimizerMilliseconds, a.gradientMilliseconds]).toEqual([2, 5]);
});
