import { emaNesterov, scheduleFreeAdamW, tailAverage } from '@opt/averaging';
import { type Rule, weightEma } from '@opt/core';
import { adamw, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { wrappers } from '../subjects.ts';
import { expectClose, expectSame, type Harness } from './harness.ts';
import { type AnyOptimizer, gradientsAt, optimizerOn, smallModel, snapshot, train, withOptimizer } from './models.ts';

const names = Object.keys(smallModel);

/** What is judged now, copied. */
async function judged(optimizer: AnyOptimizer): Promise<Record<string, Float64Array>> {
  const now = optimizer.evaluation;
  const result: Record<string, Float64Array> = {};
  for (const name of names) result[name] = Float64Array.from((await now[name]) ?? []);
  return result;
}

const rules: Readonly<Record<string, () => Rule>> = {
  'a tail average': () => tailAverage({ base: adamw({ learningRate: 0.05 }), start: 2, horizon: 3 }),
  'schedule-free': () => scheduleFreeAdamW({ learningRate: 0.05 }),
  'EMA-Nesterov': () => emaNesterov({ base: sgd({ learningRate: 0.05, momentum: 0.5 }), lookaheadEma: 0.5 }),
};

/** What a model is judged with: beside the parameters, on every backend. */
export function testEvaluation(harness: Harness): void {
  describe('evaluation', () => {
    it('is λ parts of the average of weights', async () => {
      const averaged = weightEma({ emaMomentum: 0.75, blend: 0.5, from: 2 }, sgd({ learningRate: 0.1 }));
      await withOptimizer(optimizerOn(harness.backend, averaged, smallModel), async (optimizer) => {
        const average: Record<string, number[]> = {};
        for (let step = 0; step < 6; step++) {
          await optimizer.step(gradientsAt(smallModel, step));
          const actual = await judged(optimizer);
          for (const name of names) {
            const p = Array.from((await optimizer.parameters[name]) ?? []);
            const old = average[name];
            average[name] = step < 2 || old === undefined ? p : old.map((a, i) => 0.75 * a + 0.25 * (p[i] ?? 0));
            const expected = p.map((x, i) => 0.5 * x + 0.5 * (average[name]?.[i] ?? 0));
            expectClose(harness, name, actual[name] ?? [], expected, harness.tolerance('trajectory'), { by: 'largest' });
          }
        }
      });
    });

    it.each(Object.entries(rules))('looking changes nothing: %s', async (_, make) => {
      const run = (look: boolean) =>
        withOptimizer(optimizerOn(harness.backend, make(), smallModel), async (optimizer) => {
          for (let step = 0; step < 6; step++) {
            if (look) await judged(optimizer);
            await optimizer.step(gradientsAt(smallModel, step));
          }
          return snapshot(optimizer);
        });
      const [looked, plain] = [await run(true), await run(false)];
      for (const [key, value] of Object.entries(plain)) expectSame(key, looked[key] ?? [], value);
    });

    it('is the parameters where nothing is averaged, and before the first step', async () => {
      await withOptimizer(optimizerOn(harness.backend, adamw(), smallModel), async (optimizer) => {
        await train(optimizer, smallModel, 0, 2);
        const [actual, expected] = [await judged(optimizer), await snapshot(optimizer)];
        for (const name of names) expectSame(name, actual[name] ?? [], expected[name] ?? []);
      });
      for (const make of Object.values(rules)) {
        await withOptimizer(optimizerOn(harness.backend, make(), smallModel), async (optimizer) => {
          const [actual, expected] = [await judged(optimizer), await snapshot(optimizer)];
          for (const name of names) expectSame(name, actual[name] ?? [], expected[name] ?? []);
        });
      }
    });

    const cases = Object.entries(rules).flatMap(([label, make], at) =>
      [...wrappers.slice(0, 1), ...harness.wrappers(wrappers.slice(1), at)].map((wrapper) => [label, wrapper.name, make, wrapper] as const),
    );

    it.each(cases)('is what finalize leaves: %s, %s', async (_, __, make, wrapper) => {
      await withOptimizer(optimizerOn(harness.backend, wrapper.wrap(make()), smallModel), async (optimizer) => {
        await train(optimizer, smallModel, 0, 13);
        const [before, trained] = [await judged(optimizer), await snapshot(optimizer)];
        await optimizer.finalize();
        const after = await snapshot(optimizer);
        for (const name of names) expectSame(name, before[name] ?? [], after[name] ?? []);
        expect(names.some((name) => trained[name]?.some((x, i) => x !== after[name]?.[i]))).toBe(true);
      });
    });

    it('takes its buffers and programs once', async () => {
      const averaged = tailAverage({ base: adamw(), start: 1 });
      await withOptimizer(optimizerOn(harness.backend, averaged, smallModel), async (optimizer) => {
        await train(optimizer, smallModel, 0, 4);
        await judged(optimizer);
        const [programs, buffers] = [optimizer.programs, harness.buffers()];
        for (let step = 4; step < 30; step++) {
          await train(optimizer, smallModel, step, step + 1);
          await judged(optimizer);
        }
        expect(optimizer.programs).toBe(programs);
        expect(harness.buffers()).toBe(buffers);
      });
    });

    it('follows a load', async () => {
      const make = () => optimizerOn(harness.backend, tailAverage({ base: adamw({ learningRate: 0.1 }), start: 1 }), smallModel);
      await withOptimizer(make(), async (first) => {
        await train(first, smallModel, 0, 5);
        const [file, expected] = [await first.save(), await judged(first)];
        await withOptimizer(make(), async (second) => {
          await judged(second);
          await second.load(file);
          const actual = await judged(second);
          for (const name of names) expectSame(name, actual[name] ?? [], expected[name] ?? []);
        });
      });
    });
  });
}
