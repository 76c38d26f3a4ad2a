import { chain, concatenated, perTensor, rule, type Slot, type Transform } from '@opt/core';
import { descend } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import type { Harness } from './harness.ts';
import { type AnyOptimizer, optimizerOn, withOptimizer } from './models.ts';

const a = { shape: [2], data: [1, 2] };
const parameters = { a, b: { shape: [2, 2], data: [3, 4, 5, 6] } };
const first = ({ shape }: Pick<Slot, 'shape'>) => ({ p0: { shape, kind: 'invariant', init: 'parameter' } }) as const;

const state = async (optimizer: AnyOptimizer, key: string): Promise<number[]> => Array.from((await optimizer.state[key]) ?? []);
const values = async (optimizer: AnyOptimizer, name: string): Promise<number[]> => Array.from((await optimizer.parameters[name]) ?? []);

/** What slots start from, and what `hold` keeps in place. */
export function testStarts(harness: Harness): void {
  const on = (transform: Transform, seed = 0) => optimizerOn(harness.backend, transform, parameters, seed);

  describe('a slot starts from', () => {
    it('the parameter, as construction left it', async () => {
      const doubled = perTensor({ name: 'doubled', once: (moment, p) => (moment === 'construct' ? p.mul(2) : p), apply: () => ({}) });
      const kept = perTensor({ name: 'kept', state: first, apply: () => ({}) });
      await withOptimizer(on(rule(chain(doubled, kept), descend())), async (optimizer) => {
        expect(await state(optimizer, 'kept.p0:b')).toEqual([6, 8, 10, 12]);
        expect(await values(optimizer, 'b')).toEqual([6, 8, 10, 12]);
      });
    });

    it('all parameters, where they are joined', async () => {
      const joined = concatenated(perTensor({ name: 'one', state: first, apply: () => ({}) }));
      await withOptimizer(on(rule(joined, descend())), async (optimizer) => {
        expect(await state(optimizer, 'one.p0:*')).toEqual([1, 2, 3, 4, 5, 6]);
      });
    });

    it('a draw of the seed, which differs by slot and parameter', async () => {
      const drawn = rule(
        perTensor({
          name: 'one',
          state: ({ shape }) => ({
            x: { shape: [...shape, 500], kind: 'invariant', init: { draw: 'normal', scale: 3 } },
            y: { shape, kind: 'invariant', init: { draw: 'rademacher' } },
          }),
          apply: () => ({}),
        }),
        descend(),
      );
      const read = (seed: number, key: string) => withOptimizer(on(drawn, seed), (optimizer) => state(optimizer, key));
      const x = await read(1, 'one.x:a');
      expect(await read(1, 'one.x:a')).toEqual(x);
      expect(await read(2, 'one.x:a')).not.toEqual(x);
      expect((await read(1, 'one.x:b')).slice(0, 5)).not.toEqual(x.slice(0, 5));
      expect(Math.abs(x.reduce((sum, one) => sum + one * one, 0) / x.length - 9)).toBeLessThan(1.5);
      expect((await read(1, 'one.y:b')).map(Math.abs)).toEqual([1, 1, 1, 1]);
    });

    it('a file, where there is one; a newcomer as in a new optimizer', async () => {
      const held = rule(perTensor({ name: 'one', state: first, apply: () => ({}) }), descend({ learningRate: 1 }));
      const file = await withOptimizer(optimizerOn(harness.backend, held, { a }), async (old) => {
        await old.step({ a: [1, 1] });
        return old.save();
      });
      await withOptimizer(on(held), async (grown) => {
        await grown.load(file, { newcomers: 'fresh' });
        expect(await state(grown, 'one.p0:a')).toEqual([1, 2]);
        expect(await values(grown, 'a')).toEqual([0, 1]);
        expect(await state(grown, 'one.p0:b')).toEqual([3, 4, 5, 6]);
      });
    });
  });

  it('a stage holds a parameter: nothing after it moves or counts it', async () => {
    const counting = perTensor({
      name: 'counting',
      state: ({ shape }) => ({ t: { shape, kind: 'invariant' } }),
      apply: ({ state: { t } }) => ({ state: { t: t.add(1) } }),
    });
    const frozen = perTensor({
      name: 'frozen',
      apply: ({ owner, site }) => ({ hold: owner === 'b' && site.phase(owner, (count) => (count <= 2 ? 'frozen' : 'free')) === 'frozen' }),
    });
    await withOptimizer(on(rule(chain(frozen, counting), descend({ learningRate: 1 }))), async (optimizer) => {
      for (let step = 0; step < 3; step++) await optimizer.step({ a: [1, 1], b: [1, 1, 1, 1] });
      expect(await values(optimizer, 'a')).toEqual([-2, -1]);
      expect(await values(optimizer, 'b')).toEqual([2, 3, 4, 5]);
      expect([...(await state(optimizer, 'counting.t:a')), ...(await state(optimizer, 'counting.t:b'))]).toEqual([3, 3, 1, 1, 1, 1]);
    });
  });
}
