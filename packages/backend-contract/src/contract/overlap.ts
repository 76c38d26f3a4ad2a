import { createOptimizer, type Mode, type Optimizer } from '@opt/core';
import { sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import type { Harness } from './harness.ts';
import { optimizerOn } from './models.ts';

type Holder = number[] | Float32Array | Float64Array | Int32Array;

/** Calls that are not awaited: they happen in their order, on what they were given. */
export function testOverlap(harness: Harness): void {
  const model = { w: { shape: [1], data: [0] } };
  const on = (rate: number): Promise<Optimizer<string, Mode, Mode>> => optimizerOn(harness.backend, sgd({ learningRate: rate }), model);
  const value = async (optimizer: Optimizer<string, Mode, Mode>): Promise<number | undefined> => (await optimizer.parameters['w'])?.[0];

  describe('calls that are not awaited', () => {
    it.each<[string, () => Holder]>([
      ['an ordinary array', () => [1]],
      ['Float32Array', () => Float32Array.of(1)],
      ['Float64Array', () => Float64Array.of(1)],
      ['Int32Array', () => Int32Array.of(1)],
    ])('read their gradients before they return: %s', async (_, make) => {
      const optimizer = await on(1);
      const g = make();
      const running: unknown[] = [];
      for (const next of [10, 100, 1000]) {
        running.push(optimizer.step({ w: g }));
        g[0] = next;
      }
      await Promise.all(running);
      expect(await value(optimizer)).toBe(-111);
      optimizer.dispose();
    });

    it('a hyperparameter set in between takes its turn', async () => {
      const optimizer = await on(1);
      const running: unknown[] = [optimizer.step({ w: [1] }), optimizer.step({ w: [1] })];
      optimizer.set('learningRate', 10);
      running.push(optimizer.step({ w: [1] }));
      optimizer.set('learningRate', 100);
      await Promise.all(running);
      expect(await value(optimizer)).toBe(-12);
      await optimizer.step({ w: [1] });
      expect(await value(optimizer)).toBe(-112);
      optimizer.dispose();
    });

    it('a hyperparameter set behind a step that was awaited in part holds for the next one', async () => {
      const optimizer = await on(1);
      const first = optimizer.step({ w: [1] });
      optimizer.set('learningRate', 10);
      await first;
      await optimizer.step({ w: [1] });
      expect(await value(optimizer)).toBe(-11);
      optimizer.dispose();
    });

    it('what is wrong with a hyperparameter is said at once', async () => {
      const optimizer = await on(1);
      const running = optimizer.step({ w: [1] });
      expect(() => optimizer.set('learningRate', -1)).toThrow('learningRate must be');
      expect(() => optimizer.set('momentun', 1)).toThrow("'momentun' is no hyperparameter");
      await running;
      optimizer.dispose();
    });

    it('an optimizer can be made meanwhile, however much memory it needs', async () => {
      const optimizer = await on(1);
      // So that what follows is under way at once.
      await optimizer.step({ w: [1] });
      const running = [optimizer.step({ w: [1] }), optimizer.step({ w: [1] })];
      // More than the backends in host memory begin with.
      const parameters = { w: { shape: [4096, 1024], data: new Float32Array(2 ** 22) } };
      const other = await createOptimizer({ transform: sgd({ momentum: 0.9 }), parameters, backend: harness.backend });
      await Promise.all(running);
      await optimizer.step({ w: [1] });
      expect(await value(optimizer)).toBe(-4);
      other.dispose();
      optimizer.dispose();
    });

    it('and an end at once leave nothing', async () => {
      const before = harness.buffers();
      const optimizer = await on(1);
      const running = [optimizer.step({ w: [1] }), optimizer.step({ w: [1] })];
      optimizer.dispose();
      await Promise.allSettled(running);
      expect(harness.buffers()).toBe(before);
    });
  });
}
