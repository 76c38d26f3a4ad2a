import { sophiaH } from '@opt/adaptive';
import {
  accumulate,
  chain,
  NonFiniteAnswerError,
  NonFiniteGradientError,
  NonFiniteResultError,
  type Objective,
  partition,
  perTensor,
  type Rule,
  rule,
  skipNonFinite,
  type Transform,
  weightEma,
} from '@opt/core';
import { lre } from '@opt/lre';
import { bfgs, covarianceTimesLoss, empiricalFisher, gaussNewton } from '@opt/lre-curvature';
import { descend, nanToZero, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { expectSame, type Harness } from './harness.ts';
import { type AnyOptimizer, type Model, optimizerOn, snapshot, withOptimizer } from './models.ts';
import { failureOf } from './optimizers.ts';

const one: Model = { w: { shape: [1], data: [0] } };
const two: Model = { a: { shape: [2], data: [0, 0] }, b: { shape: [1], data: [0] } };

/** Gives 1/0 when it has been applied often enough. */
const failsAt = (count: number): Transform =>
  perTensor({
    name: 'faulty',
    state: ({ shape }) => ({ s: { shape, kind: 'vector' } }),
    apply: ({ update, state: { s }, count: t }) => ({ update: update.div(t.sub(count)), state: { s: s.add(update) } }),
  });
const faulty = (nonFinite: 'skip' | 'throw'): Rule => rule(skipNonFinite(chain(failsAt(3), descend({ learningRate: 1 })), nonFinite));

/** What is dropped, by the guard on gradients or by the last one on results, leaves nothing behind. */
export function testGuards(harness: Harness): void {
  const on = (transform: Transform, model: Model = one) => optimizerOn(harness.backend, transform, model);
  const value = async (optimizer: AnyOptimizer, name = 'w', i = 0): Promise<number | undefined> => (await optimizer.parameters[name])?.[i];
  /** Where w is after each of these gradients. */
  const moves = async (optimizer: AnyOptimizer, gradients: readonly number[]): Promise<(number | undefined)[]> => {
    const places: (number | undefined)[] = [];
    for (const g of gradients) {
      await optimizer.step({ w: [g] });
      places.push(await value(optimizer));
    }
    return places;
  };

  describe('a dropped call is as if it had never been made', () => {
    it("in a window, 'throw': it throws alone, and the rest goes on", async () => {
      if (harness.deviceDecides) return;
      await withOptimizer(on(sgd({ learningRate: 1, gradientAccumulationSteps: 2, nonFinite: 'throw' })), async (optimizer) => {
        expect(await failureOf(() => optimizer.step({ w: [Number.NaN] }))).toBeInstanceOf(NonFiniteGradientError);
        expect(await moves(optimizer, [1, 1, 1, 1])).toEqual([0, -1, -1, -2]);
      });
    });

    it("in a window, 'skip': the window closes with the fourth good call", async () => {
      await withOptimizer(on(sgd({ learningRate: 1, gradientAccumulationSteps: 4 })), async (optimizer) => {
        expect(await moves(optimizer, [1, 2, Number.NaN, 3, 6, 1, 1, 1])).toEqual([0, 0, 0, 0, -3, -3, -3, -3]);
        expect(await optimizer.skippedSteps).toBe(1);
      });
    });

    it('where the window is outside of the guard too', async () => {
      await withOptimizer(on(accumulate(2, sgd({ learningRate: 1 }))), async (optimizer) => {
        expect(await moves(optimizer, [Number.NaN, 1, 3])).toEqual([0, 0, -2]);
        expect(await optimizer.skippedSteps).toBe(1);
      });
    });

    it('for an average around a guarded rule: a ← p after the first applied step', async () => {
      await withOptimizer(on(weightEma({ emaMomentum: 0.5 }, sgd({ learningRate: 1 }))), async (optimizer) => {
        await moves(optimizer, [Number.NaN, 2]);
        expect([...((await optimizer.state['weight-ema.average:w']) ?? [])]).toEqual([-2]);
      });
    });

    it('for the other parts of a partition', async () => {
      const parts = partition({ a: sgd({ learningRate: 1 }), b: sgd({ learningRate: 1 }) }, (name) => (name === 'a' ? 'a' : 'b'));
      await withOptimizer(on(parts, two), async (optimizer) => {
        await optimizer.step({ a: [1, 1], b: [Infinity] });
        expect([await value(optimizer, 'a'), await value(optimizer, 'b'), await optimizer.skippedSteps]).toEqual([0, 0, 1]);
      });
    });
  });

  describe('a result that would not be finite', () => {
    it('changes nothing and is counted', async () => {
      await withOptimizer(on(faulty('skip'), two), async (optimizer) => {
        for (let call = 1; call <= 2; call++) await optimizer.step({ a: [1, 2], b: [1] });
        const before = await snapshot(optimizer);
        // Still the third call, however often.
        for (let call = 3; call <= 5; call++) await optimizer.step({ a: [1, 2], b: [1] });
        const after = await snapshot(optimizer);
        for (const [key, held] of Object.entries(before)) if (key !== 'guard.skipped:') expectSame(key, after[key] ?? [], held);
        expect(await optimizer.skippedSteps).toBe(3);
      });
    });

    it("is named by 'throw'", async () => {
      if (harness.deviceDecides) return;
      await withOptimizer(on(faulty('throw'), two), async (optimizer) => {
        for (let call = 1; call <= 2; call++) await optimizer.step({ a: [1, 2], b: [1] });
        const failure = await failureOf(() => optimizer.step({ b: [1] }));
        expect(failure).toBeInstanceOf(NonFiniteResultError);
        expect(String(failure)).toContain("step: 'parameter:b' must stay finite, would become NaN or infinite");
        expect([...((await optimizer.state['faulty.s:b']) ?? [])]).toEqual([2]);
      });
    });

    it('is looked for without a guard as well, behind what a rule does about its gradients', async () => {
      await withOptimizer(on(rule(chain(nanToZero(), failsAt(2)), descend({ learningRate: 1 }))), async (optimizer) => {
        expect(await moves(optimizer, [Number.NaN, 1])).toEqual([0, 0]);
        expect(await optimizer.skippedSteps).toBe(1);
      });
    });

    it('is not looked for in gradients of a part that has no guard, because another part has one', async () => {
      const open = rule(nanToZero(), descend({ learningRate: 1 }));
      const parts = partition({ a: sgd({ learningRate: 1 }), b: open }, (name) => (name === 'a' ? 'a' : 'b'));
      await withOptimizer(on(parts, two), async (optimizer) => {
        await optimizer.step({ a: [1, 1], b: [Number.NaN] });
        expect([await value(optimizer, 'a'), await value(optimizer, 'b'), await optimizer.skippedSteps]).toEqual([-1, 0, 0]);
      });
    });

    it('a sum that would pass the largest number is none: it ends there', async () => {
      const f32 = harness.backend.precision === 'f32';
      const [large, largest] = f32 ? [3e38, (2 - 2 ** -23) * 2 ** 127] : [1.5e308, Number.MAX_VALUE];
      await withOptimizer(on(sgd({ learningRate: 1, gradientAccumulationSteps: 3 })), async (optimizer) => {
        await moves(optimizer, [large, large]);
        expect((await optimizer.state['accumulate.sum:w'])?.[0]).toBe(largest);
        expect((await moves(optimizer, [-large]))[0]).toBeCloseTo(-(largest - large) / 3, -32);
        expect(await optimizer.skippedSteps).toBe(0);
      });
    });

    const samples = (first: number): Objective<string, 'sync'> => ({
      gradients: () => ({ w: [0.5, 1] }),
      samples: 2,
      perSampleGradients: () => ({ gradients: { w: [first, 1, 0.5, -1] }, losses: [1, 0.5] }),
    });
    const product = (first: number): Objective<string, 'sync'> => ({ gradients: () => ({ w: [0.5, 1] }), hvp: () => ({ w: [first, 1] }) });

    const loss = (value: number): Objective<string, 'sync'> => ({ gradients: () => ({ w: [0.5, 1] }), loss: () => value });

    const poisoned: [string, () => Transform, (first: number) => Objective<string, 'sync'>][] = [
      // The first is that which an emulated device compiles in time.
      ['Sophia-H', () => sophiaH({ learningRate: 0.1, curvatureEvery: 1 }), product],
      ['covariance times loss', () => lre({ curvature: covarianceTimesLoss(), learningRate: 0.1 }), loss],
      ['Gauss–Newton', () => lre({ curvature: gaussNewton(), learningRate: 0.1 }), samples],
      ['Fisher', () => lre({ curvature: empiricalFisher(), learningRate: 0.1 }), samples],
      ['BFGS', () => lre({ curvature: bfgs(), learningRate: 0.1 }), product],
    ];
    it.each(harness.share(poisoned))('is what poison in an objective makes: %s', async (_, transform, objective) => {
      const run = (values: readonly number[]) =>
        withOptimizer(on(transform(), { w: { shape: [2], data: [1, -1] } }), async (optimizer) => {
          for (const value of values) await optimizer.step(objective(value));
          return { w: [...((await optimizer.parameters['w']) ?? [])], skipped: await optimizer.skippedSteps };
        });
      const [poisoned, clean] = [await run([1, 2, Number.NaN, 0.5, Infinity, 3]), await run([1, 2, 0.5, 3])];
      expect([poisoned.skipped, clean.skipped]).toEqual([2, 0]);
      expect(poisoned.w).toEqual(clean.w);
    });

    it("and is named by 'throw', with nothing changed", async () => {
      if (harness.deviceDecides) return;
      const transform = lre({ curvature: bfgs(), learningRate: 0.1, nonFinite: 'throw' });
      await withOptimizer(on(transform, { w: { shape: [2], data: [1, -1] } }), async (optimizer) => {
        await optimizer.step(product(1));
        const before = await snapshot(optimizer);
        const failure = await failureOf(() => optimizer.step(product(Infinity)));
        expect(failure).toBeInstanceOf(NonFiniteAnswerError);
        expect(String(failure)).toContain("step: hvp of 'w' must be finite, received NaN or infinity");
        for (const [key, held] of Object.entries(before)) expectSame(key, (await snapshot(optimizer))[key] ?? [], held);
      });
    });
  });
}
