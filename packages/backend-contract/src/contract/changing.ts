import { cosine, OptError, perTensor, type Rule, rule, TransformError } from '@opt/core';
import { soap } from '@opt/soap';
import { adamw, descend, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { expectSame, type Harness, input } from './harness.ts';
import { type AnyOptimizer, gradientsAt, type Model, optimizerOn, smallModel, snapshot, train, withOptimizer } from './models.ts';
import { failureOf } from './optimizers.ts';

const extra: Model = { head: input([2, 3], 7), 0: input([2], 8) };
const grown: Model = { ...smallModel, ...extra };
const empty: Model = { none: { shape: [0], data: [] }, w: input([3, 2], 1), noRows: { shape: [0, 4], data: [] } };

const only = (model: Model, gradients: Record<string, number[]>): Record<string, number[]> =>
  Object.fromEntries(Object.keys(model).map((name) => [name, gradients[name] ?? []]));

/** Models that change while they are trained, and parameters without elements. */
export function testChanging(harness: Harness): void {
  describe('parameters come and go', () => {
    it('those that stay go on bit for bit, newcomers as in a new optimizer', async () => {
      const options = { learningRate: cosine({ from: 0.1, steps: 20 }), weightDecay: 0.01 };
      const through = await withOptimizer(optimizerOn(harness.backend, adamw(options), smallModel), async (optimizer) => {
        await train(optimizer, smallModel, 0, 9);
        return snapshot(optimizer);
      });
      await withOptimizer(optimizerOn(harness.backend, adamw(options), smallModel), async (optimizer) => {
        await train(optimizer, smallModel, 0, 3);
        const buffers = harness.buffers();
        const more: AnyOptimizer = await optimizer.add(extra);
        expect(more).toBe(optimizer);
        expect(Object.keys(more.parameters)).toEqual(['0', ...Object.keys(smallModel), 'head']);
        for (let step = 3; step < 6; step++) await more.step({ ...gradientsAt(grown, step + 50), ...gradientsAt(smallModel, step) });
        await withOptimizer(optimizerOn(harness.backend, adamw({ weightDecay: 0.01 }), extra), async (fresh) => {
          for (let step = 3; step < 6; step++) {
            // The schedule does not begin anew.
            fresh.set('learningRate', 0.05 * (1 + Math.cos((Math.PI * step) / 20)));
            await fresh.step(only(extra, gradientsAt(grown, step + 50)));
          }
          const [own, alone] = [await snapshot(more), await snapshot(fresh)];
          for (const name of ['head', 'adamw.m:head', 'adamw.v:0'])
            expect(Array.from(own[name] ?? [])).toEqual(Array.from(alone[name] ?? []));
        });
        await more.remove('head', '0');
        expect(Object.keys(optimizer.parameters)).toEqual(Object.keys(smallModel));
        await train(optimizer, smallModel, 6, 9);
        expect(harness.buffers()).toBe(buffers);
        const after = await snapshot(optimizer);
        expect(Object.keys(after)).toEqual(Object.keys(through));
        for (const [key, value] of Object.entries(through)) expectSame(key, after[key] ?? [], value);
      });
    });

    it('what cannot be done changes nothing', async () => {
      const picky = rule(
        perTensor({
          name: 'picky',
          once(moment, p, owner, site) {
            if (moment !== 'construct') return p;
            site.insist(owner, p.abs().maximum().lt(100), 'throw', `'${owner}' is too large`);
            return p.mul(2);
          },
          apply: ({ update }) => ({ update }),
        }),
        descend({ learningRate: 1 }),
      );
      await withOptimizer(optimizerOn(harness.backend, picky, smallModel), async (optimizer) => {
        await train(optimizer, smallModel, 0, 2);
        const before = await snapshot(optimizer);
        if (!harness.deviceDecides) {
          const refused = await failureOf(() => optimizer.add({ big: { shape: [1], data: [1e3] } }));
          expect(refused).toBeInstanceOf(TransformError);
          expect(String(refused)).toContain("'big' is too large");
        }
        for (const [call, message] of [
          [() => optimizer.add({ w: { shape: [1], data: [1] } }), "add: there is a parameter 'w' already"],
          [() => optimizer.add({}), 'add: parameters must hold at least one parameter, received none'],
          [() => optimizer.add({ x: { shape: [2], data: [1] } }), "'x'"],
          [() => optimizer.remove('missing'), "remove: 'missing' is no parameter, known are w, b, s"],
          [() => optimizer.remove('w', 'b', 's'), 'remove: at least one parameter must stay'],
        ] as const) {
          const failure = await failureOf(call);
          expect(OptError.isInstance(failure), String(failure)).toBe(true);
          expect(String(failure)).toContain(message);
        }
        const after = await snapshot(optimizer);
        for (const [key, value] of Object.entries(before)) expectSame(key, after[key] ?? [], value);
        await train(optimizer, smallModel, 2, 3);
      });
    });
  });

  const rules: readonly (readonly [string, () => Rule])[] = [
    ['adamw', () => adamw({ globalClipnorm: 1 })],
    ['soap', () => soap({ preconditionFrequency: 2 })],
    ['an accumulating average', () => sgd({ momentum: 0.5, gradientAccumulationSteps: 2, useEma: true })],
  ];
  it.each(harness.share(rules))('parameters without elements: %s', async (_, make) => {
    const run = (model: Model) =>
      withOptimizer(optimizerOn(harness.backend, make(), model), async (optimizer) => {
        for (let step = 0; step < 4; step++)
          await optimizer.step(gradientsAt(model, step).w === undefined ? {} : only(model, gradientsAt(empty, step)));
        const file = await optimizer.save();
        await optimizer.load(file);
        return { ...(await snapshot(optimizer)) };
      });
    const [all, alone] = [await run(empty), await run({ w: input([3, 2], 1) })];
    expect(Array.from(all['none'] ?? [1])).toEqual([]);
    expect(Array.from(all['noRows'] ?? [1])).toEqual([]);
    expectSame('w', all['w'] ?? [], alone['w'] ?? []);
  });
}
