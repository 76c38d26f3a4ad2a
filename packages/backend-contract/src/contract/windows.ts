import { accumulate, concatenated, type Mode, type Objective, ObjectiveError, rule, type Transform, weightEma } from '@opt/core';
import { adamw, descend, ema, sam, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { expectClose, expectSame, type Harness } from './harness.ts';
import { type AnyOptimizer, gradientsAt, optimizerOn, smallModel, snapshot, train, withOptimizer } from './models.ts';
import { failureOf } from './optimizers.ts';

const model = { w: { shape: [2], data: [1, 2] } };
const values = async (optimizer: AnyOptimizer): Promise<number[]> => Array.from((await optimizer.parameters['w']) ?? []);

/** ½‖w − t‖²: what SAM asks at p + d is p + d − t. */
const towards = (optimizer: AnyOptimizer, target: number): Objective<string, Mode> => ({
  gradients: async (at) => ({ w: Array.from(at?.['w'] ?? (await optimizer.parameters['w']) ?? [], (w) => w - target) }),
});
const samOver = (rho: number, rate: number): Transform => rule(sam({ rho }), descend({ learningRate: rate }));

/** Windows of calls: closed early, and asked as a whole. */
export function testWindows(harness: Harness): void {
  const on = (transform: Transform) => optimizerOn(harness.backend, transform, model);

  describe('flush', () => {
    it('closes a window with the mean of what it holds', async () => {
      await withOptimizer(on(sgd({ learningRate: 1, gradientAccumulationSteps: 4 })), async (optimizer) => {
        expect(await optimizer.flush()).toBe(false);
        await optimizer.step({ w: [1, 0] });
        await optimizer.step({ w: [2, 3] });
        expect(await values(optimizer)).toEqual([1, 2]);
        expect(await optimizer.flush()).toBe(true);
        expect(await values(optimizer)).toEqual([-0.5, 0.5]);
        expect(await optimizer.flush()).toBe(false);
        // The next window begins at 0, and is as long as ever.
        for (let call = 0; call < 4; call++) await optimizer.step({ w: [4, 4] });
        expect(await values(optimizer)).toEqual([-4.5, -3.5]);
      });
    });

    if (!harness.slow)
      it('is one applied step: as a window of that length would have been', async () => {
        const run = (n: number, flush: boolean) =>
          withOptimizer(
            optimizerOn(harness.backend, adamw({ gradientAccumulationSteps: n, useEma: true, clipnorm: 1 }), smallModel),
            async (optimizer) => {
              await train(optimizer, smallModel, 0, 2);
              if (flush) await optimizer.flush();
              await train(optimizer, smallModel, 2, 4);
              if (flush) await optimizer.flush();
              return snapshot(optimizer);
            },
          );
        const [flushed, whole] = [await run(3, true), await run(2, false)];
        for (const [key, value] of Object.entries(whole))
          if (!key.includes('accumulate.'))
            expectClose(harness, key, flushed[key] ?? [], value, harness.tolerance('arithmetic') * 4, { by: 'largest' });
      });

    it('moves only what had a gradient, joined parameters too, and does nothing where nothing is accumulated', async () => {
      await withOptimizer(
        optimizerOn(harness.backend, accumulate(3, rule(ema({ beta: 0 }), descend({ learningRate: 1 }))), smallModel),
        async (optimizer) => {
          const before = await snapshot(optimizer);
          await optimizer.step({ b: gradientsAt(smallModel, 0)['b'] ?? [] });
          await optimizer.flush();
          const after = await snapshot(optimizer);
          expectSame('w', after['w'] ?? [], before['w'] ?? []);
          expect(after['b']).not.toEqual(before['b']);
        },
      );
      await withOptimizer(on(rule(concatenated(accumulate(3, ema({ beta: 0 }))), descend({ learningRate: 1 }))), async (optimizer) => {
        await optimizer.step({ w: [1, 1] });
        expect(await optimizer.flush()).toBe(true);
        expect(await values(optimizer)).toEqual([0, 1]);
      });
      await withOptimizer(on(weightEma({}, sgd({ learningRate: 1, momentum: 0.5 }))), async (optimizer) => {
        await optimizer.step({ w: [1, 1] });
        const before = await snapshot(optimizer);
        expect(await optimizer.flush()).toBe(false);
        const after = await snapshot(optimizer);
        for (const [key, value] of Object.entries(before)) expectSame(key, after[key] ?? [], value);
      });
    });
  });

  describe("accumulate with objectives: 'window'", () => {
    it('asks the objectives of all calls at one place, and answers with their mean', async () => {
      await withOptimizer(on(accumulate(3, samOver(0.5, 0.25), { objectives: 'window' })), async (optimizer) => {
        let p = [1, 2];
        for (const targets of [
          [0, 3, 6],
          [1, 1, 7],
        ]) {
          for (const target of targets) await optimizer.step(towards(optimizer, target));
          const mean = targets.reduce((sum, t) => sum + t / 3, 0);
          const g = p.map((w) => w - mean);
          const length = Math.hypot(...g);
          p = p.map((w, i) => w - 0.25 * (w + (0.5 * (g[i] ?? 0)) / length - mean));
          expectClose(harness, 'w', await values(optimizer), p, harness.tolerance('trajectory'), { by: 'largest' });
        }
        // Of an open window, those that are there.
        await optimizer.step(towards(optimizer, 5));
        expect(await optimizer.flush()).toBe(true);
        const g = p.map((w) => w - 5);
        p = p.map((w, i) => w - 0.25 * (w + (0.5 * (g[i] ?? 0)) / Math.hypot(...g) - 5));
        expectClose(harness, 'w', await values(optimizer), p, harness.tolerance('trajectory'), { by: 'largest' });
      });
    });

    it('a call with gradients alone, or a file of an open window, is an error that changes nothing', async () => {
      const transform = accumulate(2, samOver(0.5, 0.25), { objectives: 'window' });
      await withOptimizer(on(transform), async (optimizer) => {
        await optimizer.step({ w: [1, 1] });
        const before = await snapshot(optimizer);
        const failure = await failureOf(() => optimizer.step(towards(optimizer, 5)));
        expect(failure).toBeInstanceOf(ObjectiveError);
        expect(String(failure)).toContain('needs gradient in this step: call step(objective) with gradients(at)');
        const after = await snapshot(optimizer);
        for (const [key, value] of Object.entries(before)) expectSame(key, after[key] ?? [], value);
      });
      const file = await withOptimizer(on(transform), async (optimizer) => {
        await optimizer.step(towards(optimizer, 1));
        return optimizer.save();
      });
      await withOptimizer(on(transform), async (optimizer) => {
        await optimizer.load(file);
        expect(String(await failureOf(() => optimizer.step(towards(optimizer, 5))))).toContain(
          'the window that closes began with 1 calls, but the objectives of 0 are here: a checkpoint holds none',
        );
      });
    });

    it('without it, a question in a window is an error when the optimizer is made', async () => {
      await expect((async () => on(accumulate(2, samOver(0.5, 0.25))))()).rejects.toThrow(
        "accumulate: sam needs gradient, which an objective gives for the last call of a window only; write accumulate(n, inner, { objectives: 'window' })",
      );
    });
  });
}
