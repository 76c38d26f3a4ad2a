import { reference } from '@opt/backend-reference';
import { describe, expect, it } from 'vitest';
import { guarded, type Subject, type Wrapper, wrappers } from '../subjects.ts';
import { expectClose, expectSame, type Harness } from './harness.ts';
import { everythingFitted, gradientsAt, type Model, oddModel, optimizerOn, smallModel, snapshot, train, withOptimizer } from './models.ts';

/** Transforms in every wrapper, and every variant of them alone: what holds for all of them. */
export function testTable(harness: Harness, all: readonly Subject[]): void {
  const [alone, ...around] = wrappers;
  const cases = harness
    .share(all)
    .flatMap((subject, at) =>
      [alone, ...(subject.plain ? harness.wrappers(around, at) : [])].flatMap((wrapper): [string, Subject, Wrapper][] =>
        wrapper === undefined ? [] : [[`${subject.label}, ${wrapper.name}`, subject, wrapper]],
      ),
    );
  const on = (subject: Subject, wrapper: Wrapper, model: Model) => optimizerOn(harness.backend, wrapper.wrap(subject.make()), model);

  describe('every transform in every wrapper', () => {
    it.each(cases)('agrees with the reference: %s', async (_, subject, wrapper) => {
      const run = (backend: typeof harness.backend) =>
        withOptimizer(optimizerOn(backend, wrapper.wrap(subject.make()), smallModel), async (optimizer) => {
          await train(optimizer, smallModel, 0, 9);
          return snapshot(optimizer);
        });
      const [actual, truth] = [await run(harness.backend), await run(reference())];
      for (const name of Object.keys(smallModel)) {
        expectClose(harness, name, actual[name] ?? [], truth[name] ?? [], harness.tolerance('trajectory'), { by: 'largest' });
      }
    });

    it.each(cases)('takes odd shapes and resumes bit for bit: %s', async (_, subject, wrapper) => {
      await withOptimizer(on(subject, wrapper, oddModel), async (through) => {
        const start = await snapshot(through);
        await train(through, oddModel, 0, 4);
        const file = await through.save();
        // A step of ±η can return to where it began: only a parameter that is never elsewhere has not moved.
        const moved = new Set<string>();
        for (let step = 4; step < 15; step++) {
          await train(through, oddModel, step, step + 1);
          for (const name of Object.keys(oddModel)) {
            const now = (await through.parameters[name]) ?? [];
            if (start[name]?.some((x, i) => x !== now[i])) moved.add(name);
          }
        }
        const expected = await snapshot(through);
        expect([...moved].sort(), 'parameters that move').toEqual(Object.keys(oddModel).sort());
        for (const name of Object.keys(oddModel)) expect(expected[name]?.every(Number.isFinite), `${name} stays finite`).toBe(true);
        await withOptimizer(on(subject, wrapper, oddModel), async (resumed) => {
          expect(await resumed.load(file)).toEqual(everythingFitted);
          await train(resumed, oddModel, 4, 15);
          const actual = await snapshot(resumed);
          expect(Object.keys(actual)).toEqual(Object.keys(expected));
          for (const [key, value] of Object.entries(expected)) expectSame(key, actual[key] ?? [], value);
        });
      });
    });

    it.each(cases)('drops a poisoned call: %s', async (_, subject, wrapper) => {
      await withOptimizer(optimizerOn(harness.backend, guarded(subject, wrapper), smallModel), async (optimizer) => {
        await train(optimizer, smallModel, 0, 3);
        const before = await snapshot(optimizer);
        await optimizer.step({ ...gradientsAt(smallModel, 3), w: Array(9).fill(Number.NaN) });
        const after = await snapshot(optimizer);
        for (const [key, held] of Object.entries(before)) expectSame(key, after[key] ?? [], held);
      });
    });
  });
}
