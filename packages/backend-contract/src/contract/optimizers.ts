import { reference } from '@opt/backend-reference';
import {
  cosine,
  DisposedError,
  linear,
  NonFiniteGradientError,
  perTensor,
  type Rule,
  rule,
  StepInterrupted,
  type Transform,
} from '@opt/core';
import { normalizeEma } from '@opt/normalize-ema';
import { soap } from '@opt/soap';
import { adamw, descend, lion, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { failing } from './failing.ts';
import { expectClose, expectSame, type Harness } from './harness.ts';
import { everythingFitted, gradientsAt, type Model, oddModel, optimizerOn, smallModel, snapshot, train, withOptimizer } from './models.ts';

/** One of each kind of work: elementwise, momentum, factorisations, norms, averaging, accumulation. */
const makers: Readonly<Record<string, (nonFinite: 'skip' | 'throw') => Rule>> = {
  sgd: (nonFinite) => sgd({ momentum: 0.9, nesterov: true, weightDecay: 0.01, nonFinite }),
  adamw: (nonFinite) => adamw({ clipnorm: 1, amsgradBeta: 1, nonFinite }),
  soap: (nonFinite) => soap({ preconditionFrequency: 3, precondition1d: true, nonFinite }),
  'normalize-ema': (nonFinite) => normalizeEma({ base: soap({ preconditionFrequency: 4, nonFinite }), perTensor: false }),
  averaged: (nonFinite) => adamw({ useEma: true, emaOverwriteFrequency: 3, globalClipnorm: 1, nonFinite }),
  accumulated: (nonFinite) => sgd({ gradientAccumulationSteps: 3, momentum: 0.5, nonFinite }),
};

const lionRule = (): Rule => rule(lion(), descend({ learningRate: 1e-2 }));

/** The reference on its own f32 or f64, whichever the backend has. */
const twin = (harness: Harness) => reference({ precision: harness.backend.precision });

export function testOptimizers(harness: Harness): void {
  const on = (transform: Transform, model: Model = smallModel) => optimizerOn(harness.backend, transform, model);

  it('gives parameters and gradients as arrays of its working precision', async () => {
    const kind = harness.backend.precision === 'f32' ? Float32Array : Float64Array;
    await withOptimizer(on(lionRule()), async (optimizer) => {
      await train(optimizer, smallModel, 0, 1);
      for (const name of Object.keys(smallModel)) {
        expect(await optimizer.parameters[name], name).toBeInstanceOf(kind);
        expect(await optimizer.gradients[name], name).toBeInstanceOf(kind);
      }
    });
  });

  describe.each(Object.entries(makers))('%s', (_, make) => {
    it('agrees with the reference', async () => {
      const run = (backend: typeof harness.backend) =>
        withOptimizer(optimizerOn(backend, make('skip'), smallModel), async (optimizer) => {
          await train(optimizer, smallModel, 0, 20);
          return snapshot(optimizer);
        });
      const [actual, truth] = [await run(harness.backend), await run(reference())];
      for (const name of Object.keys(smallModel)) {
        expectClose(harness, name, actual[name] ?? [], truth[name] ?? [], harness.tolerance('trajectory'), { by: 'largest' });
      }
    });

    it('takes parameters of every odd shape', async () => {
      await withOptimizer(on(make('skip'), oddModel), async (optimizer) => {
        const before = await snapshot(optimizer);
        await train(optimizer, oddModel, 0, 8);
        const after = await snapshot(optimizer);
        for (const name of Object.keys(oddModel)) {
          expect(after[name]?.every(Number.isFinite), `${name} stays finite`).toBe(true);
          expect(after[name], `${name} moves`).not.toEqual(before[name]);
        }
      });
    });

    it('resumes bit for bit: saved after 7 steps, loaded elsewhere, run to 20', async () => {
      await withOptimizer(on(make('skip'), oddModel), async (through) => {
        await train(through, oddModel, 0, 7);
        const file = await through.save();
        await train(through, oddModel, 7, 20);
        await withOptimizer(on(make('skip'), oddModel), async (resumed) => {
          await train(resumed, oddModel, 30, 32);
          expect(await resumed.load(file)).toEqual(everythingFitted);
          await train(resumed, oddModel, 7, 20);
          const [actual, expected] = [await snapshot(resumed), await snapshot(through)];
          for (const [key, value] of Object.entries(expected)) expectSame(key, actual[key] ?? [], value);
        });
      });
    });

    it('continues what another backend saved, and the other way round', async () => {
      for (const [from, to] of [
        [twin(harness), harness.backend],
        [harness.backend, twin(harness)],
      ] as const) {
        await withOptimizer(optimizerOn(from, make('skip'), smallModel), async (first) => {
          await train(first, smallModel, 0, 7);
          const file = await first.save();
          await train(first, smallModel, 7, 20);
          await withOptimizer(optimizerOn(to, make('skip'), smallModel), async (second) => {
            await second.load(file);
            await train(second, smallModel, 7, 20);
            const [actual, expected] = [await snapshot(second), await snapshot(first)];
            for (const name of Object.keys(smallModel)) {
              expectClose(harness, name, actual[name] ?? [], expected[name] ?? [], harness.tolerance('trajectory'), { by: 'largest' });
            }
          });
        });
      }
    });

    it('is deterministic', async () => {
      const run = () =>
        withOptimizer(on(make('skip'), oddModel), async (optimizer) => {
          await train(optimizer, oddModel, 0, 10);
          return snapshot(optimizer);
        });
      const [first, second] = [await run(), await run()];
      for (const [key, value] of Object.entries(first)) expectSame(key, second[key] ?? [], value);
    });
  });

  describe('a NaN or an infinity in a gradient', () => {
    const poisoned = (step: number, value: number): Record<string, number[]> => {
      const gradients = gradientsAt(smallModel, step);
      const own = gradients['b'] ?? [];
      own[1] = value;
      return gradients;
    };
    const all = Object.entries(makers);

    it.each(all)("'skip' leaves everything as it was: %s", async (_, make) => {
      for (const value of [Number.NaN, Infinity, -Infinity]) {
        await withOptimizer(on(make('skip')), async (optimizer) => {
          // The very first step, then in the middle, then where a basis is due.
          for (const step of [0, 4, 7, 9]) {
            const before = await snapshot(optimizer);
            await optimizer.step(poisoned(step, value));
            const after = await snapshot(optimizer);
            for (const [key, held] of Object.entries(before))
              if (!key.includes('guard.skipped')) expectSame(`${key} after ${value}`, after[key] ?? [], held);
            await train(optimizer, smallModel, step, step + 2);
          }
          expect(await optimizer.skippedSteps).toBe(4);
        });
      }
    });

    it.each(all)('the trajectory is that without the call, bit for bit: %s', async (_, make) => {
      const run = (poisonAt: readonly number[]) =>
        withOptimizer(on(make('skip')), async (optimizer) => {
          for (let step = 0; step < 15; step++) {
            if (poisonAt.includes(step)) await optimizer.step(poisoned(step, Number.NaN));
            await train(optimizer, smallModel, step, step + 1);
          }
          return snapshot(optimizer);
        });
      const [poisonedRun, clean] = [await run([0, 5, 6, 12]), await run([])];
      for (const [key, value] of Object.entries(clean)) expectSame(key, poisonedRun[key] ?? [], value);
    });

    it.each(all)("'throw' names the parameter and changes nothing: %s", async (_, make) => {
      if (harness.deviceDecides) {
        await expect((async () => on(make('throw')))()).rejects.toThrow("nonFinite must be 'skip'");
        return;
      }
      await withOptimizer(on(make('throw')), async (optimizer) => {
        await train(optimizer, smallModel, 0, 3);
        const before = await snapshot(optimizer);
        const failure = await failureOf(() => optimizer.step(poisoned(3, Number.NaN)));
        expect(failure).toBeInstanceOf(NonFiniteGradientError);
        expect(failure instanceof NonFiniteGradientError && failure.parameters).toEqual(['b']);
        const after = await snapshot(optimizer);
        for (const [key, held] of Object.entries(before)) expectSame(key, after[key] ?? [], held);
        await train(optimizer, smallModel, 3, 5);
      });
    });
  });

  describe('over many steps', () => {
    it.each([
      ['adamw', adamw({ learningRate: cosine({ from: 1e-2, steps: 900 }), beta1: linear({ from: 0.8, to: 0.95, steps: 500 }) })],
      ['soap', soap({ learningRate: cosine({ from: 1e-2, steps: 900 }), beta2: linear({ from: 0.9, to: 0.99, steps: 500 }) })],
    ])('nothing grows and nothing is compiled again while rates and betas change: %s', async (_, scheduled) => {
      await withOptimizer(on(scheduled), async (optimizer) => {
        await train(optimizer, smallModel, 0, 12);
        const [programs, buffers] = [optimizer.programs, harness.buffers()];
        for (let step = 12; step < (harness.contract.steps ?? 1000); step++) {
          await optimizer.step(gradientsAt(smallModel, step % 50));
          if (step % 100 === 0) optimizer.set('weightDecay', 1e-4 * step);
        }
        expect(optimizer.programs).toBe(programs);
        expect(harness.buffers()).toBe(buffers);
      });
    });

    it('what an optimizer took it gives back', async () => {
      const before = harness.buffers();
      const optimizer = await on(soap({ useEma: true }));
      await train(optimizer, smallModel, 0, 12);
      optimizer.dispose();
      expect(harness.buffers()).toBe(before);
    });
  });

  describe('host scalars', () => {
    it('learning rates and counts reach the device anew each step', async () => {
      const counting = perTensor({
        name: 'counting',
        hyper: { rate: (step: number) => 0.5 + step, other: 2 },
        apply: ({ parameter: p, hyper: { rate, other }, count }) => ({ parameter: p.mul(0).add(rate).add(count.mul(other).mul(100)) }),
      });
      await withOptimizer(on(counting), async (optimizer) => {
        for (let step = 0; step < 4; step++) {
          await optimizer.step(gradientsAt(smallModel, step));
          expect(Array.from((await optimizer.parameters['b']) ?? [])).toEqual(Array(3).fill(0.5 + step + 200 * (step + 1)));
        }
        optimizer.set('other', 3);
        await optimizer.step(gradientsAt(smallModel, 4));
        expect(Array.from((await optimizer.parameters['b']) ?? [])).toEqual(Array(3).fill(4.5 + 1500));
      });
    });

    it('a parameter that misses a gradient keeps its own count', async () => {
      await withOptimizer(on(adamw()), async (optimizer) => {
        for (let step = 0; step < 6; step++) {
          const { w = [], b = [], s = [] } = gradientsAt(smallModel, step);
          const before = await snapshot(optimizer);
          await optimizer.step(step === 1 || step === 2 ? { w, s } : { w, b, s });
          const after = await snapshot(optimizer);
          if (step === 1 || step === 2)
            for (const key of ['b', 'adamw.m:b', 'adamw.v:b']) expectSame(key, after[key] ?? [], before[key] ?? []);
        }
        await withOptimizer(on(adamw()), async (alone) => {
          for (const step of [0, 3, 4, 5]) await alone.step({ b: gradientsAt(smallModel, step)['b'] ?? [] });
          const [actual, expected] = [await snapshot(optimizer), await snapshot(alone)];
          for (const key of ['b', 'adamw.m:b', 'adamw.v:b']) expectClose(harness, key, actual[key] ?? [], expected[key] ?? [], 1e-6);
        });
      });
    });
  });

  describe('the end of an optimizer', () => {
    it('a disposed optimizer refuses', async () => {
      const optimizer = await on(adamw());
      await train(optimizer, smallModel, 0, 1);
      const file = await optimizer.save();
      optimizer.dispose();
      optimizer.dispose();
      for (const call of [
        () => optimizer.step(gradientsAt(smallModel, 1)),
        () => optimizer.save(),
        () => optimizer.load(file),
        () => optimizer.finalize(),
      ]) {
        expect(await failureOf(call)).toBeInstanceOf(DisposedError);
      }
    });

    it('a program that fails while it runs interrupts, and only load makes the optimizer usable again', async () => {
      const { backend, breakDown } = failing(harness.backend);
      await withOptimizer(optimizerOn(backend, adamw(), smallModel), async (optimizer) => {
        await train(optimizer, smallModel, 0, 3);
        const file = await optimizer.save();
        const before = await snapshot(optimizer);
        breakDown(1);
        expect(await failureOf(() => optimizer.step(gradientsAt(smallModel, 3)))).toBeInstanceOf(StepInterrupted);
        expect(await failureOf(() => optimizer.step(gradientsAt(smallModel, 3)))).toBeInstanceOf(StepInterrupted);
        await optimizer.load(file);
        const after = await snapshot(optimizer);
        for (const [key, value] of Object.entries(before)) expectSame(key, after[key] ?? [], value);
        await train(optimizer, smallModel, 3, 5);
      });
    });

    it('two optimizers on one backend do not touch one another', async () => {
      await withOptimizer(on(lionRule()), async (other) => {
        await withOptimizer(on(adamw()), async (optimizer) => {
          await train(optimizer, smallModel, 0, 3);
          const held = await snapshot(optimizer);
          await train(other, smallModel, 0, 5);
          const after = await snapshot(optimizer);
          for (const [key, value] of Object.entries(held)) expectSame(key, after[key] ?? [], value);
        });
      });
    });
  });
}

/** What a call throws or rejects with. */
export async function failureOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
}
