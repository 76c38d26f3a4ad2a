import { createOptimizer, type Metrics, type Norms, record, type Transform } from '@opt/core';
import { soap } from '@opt/soap';
import { adamw, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { wrappers } from '../subjects.ts';
import { expectSame, type Harness } from './harness.ts';
import { type AnyOptimizer, gradientsAt, type Model, optimizerOn, smallModel, snapshot, train, withOptimizer } from './models.ts';

const model: Model = { a: { shape: [2], data: [3, 4] }, b: { shape: [2, 2], data: [1, 1, 1, 1] } };

/** ‖xs‖₂ where no square is too large. */
const length = (xs: ArrayLike<number>): number => Math.sqrt(Array.from(xs).reduce((sum, x) => sum + x * x, 0));
const apart = (a: ArrayLike<number>, b: ArrayLike<number>): number[] => Array.from(a, (x, i) => x - (b[i] ?? 0));

/** What steps measure is so, on every backend. */
export function testMetrics(harness: Harness): void {
  const on = async (transform: Transform, given: Model = model, every = 1): Promise<AnyOptimizer> =>
    createOptimizer({ transform, parameters: given, backend: harness.backend, metrics: { every } });
  const tolerance = () => 20 * harness.tolerance('arithmetic');
  const close = (label: string, actual: number | undefined, expected: number): void => {
    // Written so that NaN and undefined fail.
    if (actual === undefined || !(Math.abs(actual - expected) <= tolerance() * Math.abs(expected)))
      expect.fail(`${label}: received ${actual}, expected ${expected}`);
  };
  const norms = (
    label: string,
    actual: Norms,
    { gradient, update, parameter }: Record<'gradient' | 'update' | 'parameter', number>,
  ): void => {
    close(`${label} gradient`, actual.gradient, gradient);
    close(`${label} update`, actual.update, update);
    close(`${label} parameter`, actual.parameter, parameter);
    close(`${label} ratio`, actual.ratio, update === 0 ? 0 : update / parameter);
  };
  const of = (metrics: Metrics, name: string): Norms => metrics.parameters[name] ?? expect.fail(`no parameter '${name}'`);

  describe('metrics', () => {
    it('are norms of each parameter and of all, by hand', async () => {
      await withOptimizer(on(sgd({ learningRate: 0.25 })), async (optimizer) => {
        const none = await optimizer.metrics();
        expect([none.step, none.measured, none.skipped, none.gradient, of(none, 'a').update]).toEqual([
          0,
          undefined,
          0,
          undefined,
          undefined,
        ]);
        await optimizer.step({ a: [6, 8], b: [2, -2, 2, 4] });
        const one = await optimizer.metrics();
        // a: [3, 4] − [1.5, 2]; b: [1, 1, 1, 1] − [0.5, −0.5, 0.5, 1]
        norms('a', of(one, 'a'), { gradient: 10, update: 2.5, parameter: 2.5 });
        norms('b', of(one, 'b'), { gradient: Math.sqrt(28), update: Math.sqrt(7) / 2, parameter: Math.sqrt(2.75) });
        norms('all', one, { gradient: Math.sqrt(128), update: Math.sqrt(8), parameter: 3 });
        expect([one.step, one.measured, one.skipped, one.clip, of(one, 'b').clip]).toEqual([1, 1, 0, 1, 1]);
        expect(one.rates['learningRate']).toBe(0.25);
      });
    });

    it('leave out a parameter without a gradient, which is not moved', async () => {
      await withOptimizer(on(sgd({ learningRate: 0.5 })), async (optimizer) => {
        for (const gradients of [{ b: [0, 3, 0, -4] }, { a: [1, 1], b: [1, 1, 1, 1] }, { b: [0, 3, 0, -4] }])
          await optimizer.step(gradients);
        const metrics = await optimizer.metrics();
        expect(metrics.measured).toBe(3);
        expect(of(metrics, 'a')).toEqual({
          gradient: undefined,
          update: undefined,
          parameter: undefined,
          ratio: undefined,
          clip: undefined,
        });
        const b = { gradient: 5, update: 2.5, parameter: length([0.5, -2.5, 0.5, 4.5]) };
        norms('b', of(metrics, 'b'), b);
        norms('all', metrics, b);
      });
    });

    it('have gradients as they came, and by how much they were clipped', async () => {
      const clipped: [Transform, (metrics: Metrics) => (number | undefined)[], number[]][] = [
        [sgd({ learningRate: 1, globalClipnorm: 2.6 }), (all) => [all.clip, of(all, 'a').clip, of(all, 'b').clip], [0.2, 0.2, 0.2]],
        [sgd({ learningRate: 1, clipnorm: 6 }), (all) => [all.clip, of(all, 'a').clip, of(all, 'b').clip], [0.5, 1, 0.5]],
        [sgd({ learningRate: 1, clipvalue: 6 }), (all) => [all.clip, of(all, 'a').clip, of(all, 'b').clip], [0.5, 1, 0.5]],
      ];
      for (const [transform, read, expected] of clipped)
        await withOptimizer(on(transform), async (optimizer) => {
          await optimizer.step({ a: [3, 4], b: [12, 0, 0, 0] });
          const metrics = await optimizer.metrics();
          close('gradient', metrics.gradient, 13);
          read(metrics).forEach((factor, i) => void close(`clip ${i}`, factor, expected[i] ?? Number.NaN));
        });
    });

    it('are finite for what is nearly the largest number there is, and not 0 for what is small', async () => {
      const [large, small] = harness.backend.precision === 'f32' ? [1e38, 2 ** -70] : [1e307, 2 ** -400];
      await withOptimizer(on(sgd({ learningRate: 0.5 }), { a: { shape: [5], data: [0, 0, 0, 0, 0] } }), async (optimizer) => {
        for (const size of [large, 1e6, 1, small]) {
          await optimizer.step({ a: [size, -size, 0, size, size] });
          close(`gradient of ${size}`, of(await optimizer.metrics(), 'a').gradient, 2 * harness.round(size));
        }
      });
    });

    it('stay as they were when a call is dropped, but for the number of those', async () => {
      await withOptimizer(on(adamw({ learningRate: 0.5 })), async (optimizer) => {
        await optimizer.step({ a: [3, 4], b: [1, 1, 1, 1] });
        const before = await optimizer.metrics();
        await optimizer.step({ a: [Number.NaN, 1], b: [5, 5, 5, 5] });
        expect(await optimizer.metrics()).toEqual({ ...before, skipped: 1 });
        await optimizer.step({ a: [6, 8], b: [0, 0, 0, 0] });
        const after = await optimizer.metrics();
        expect([after.step, after.measured, after.skipped]).toEqual([2, 2, 1]);
        close('gradient', after.gradient, 10);
      });
    });

    it('are taken in every n-th step, in windows when one closes', async () => {
      await withOptimizer(on(sgd({ learningRate: 1, gradientAccumulationSteps: 2 }), model, 3), async (optimizer) => {
        const seen: (number | undefined)[][] = [];
        for (let call = 1; call <= 6; call++) {
          await optimizer.step({ a: [3 * call, 4 * call], b: [0, 0, 0, 0] });
          const { step, measured, gradient, update } = await optimizer.metrics();
          seen.push([step, measured, Math.round(gradient ?? -1), Math.round(10 * (update ?? -1))]);
        }
        // The first window closes with call 2, of which the mean is 1.5 · [3, 4]; from call 5 on there is to be another.
        expect(seen).toEqual([
          [1, 1, 5, 0],
          [2, 2, 10, 75],
          [3, 2, 10, 75],
          [4, 2, 10, 75],
          [5, 5, 25, 0],
          [6, 6, 30, 275],
        ]);
      });
    });

    const rules: Readonly<Record<string, () => ReturnType<typeof adamw>>> = {
      adamw: () => adamw({ learningRate: 0.1, globalClipnorm: 0.5 }),
      soap: () => soap({ learningRate: 0.1 }),
    };
    const around = harness.contract.wrapped === false ? wrappers.slice(-3) : wrappers;
    const cases = Object.keys(rules).flatMap((rule) => around.map((wrapper) => [rule, wrapper.name, wrapper] as const));

    it.each(cases)('are of what moved, and change nothing: %s, %s', async (rule, _, wrapper) => {
      const make = () => wrapper.wrap(rules[rule]?.() ?? expect.fail(rule));
      const plain = await withOptimizer(optimizerOn(harness.backend, make(), smallModel), async (optimizer) => {
        await train(optimizer, smallModel, 0, 4);
        return [await snapshot(optimizer), await optimizer.save()] as const;
      });
      await withOptimizer(on(make(), smallModel), async (optimizer) => {
        for (let step = 0; step < 4; step++) {
          const before = await snapshot(optimizer);
          await train(optimizer, smallModel, step, step + 1);
          const [after, metrics] = [await snapshot(optimizer), await optimizer.metrics()];
          for (const [name, { shape }] of Object.entries(smallModel)) {
            const moved = apart(after[name] ?? [], before[name] ?? []);
            const gradient = length(gradientsAt(smallModel, step)[name] ?? []);
            norms(`${name} ${shape}`, of(metrics, name), { gradient, update: length(moved), parameter: length(after[name] ?? []) });
          }
        }
        const now = await snapshot(optimizer);
        for (const [key, value] of Object.entries(plain[0])) expectSame(key, now[key] ?? [], value);
        expectSame('file', await optimizer.save(), plain[1]);
      });
    });

    it('take their buffers and programs once, and are forgotten by a load', async () => {
      await withOptimizer(on(adamw(), smallModel, 2), async (optimizer) => {
        await train(optimizer, smallModel, 0, 4);
        await optimizer.metrics();
        const [programs, buffers] = [optimizer.programs, harness.buffers()];
        await train(optimizer, smallModel, 4, 12);
        expect((await optimizer.metrics()).measured).toBe(11);
        expect([optimizer.programs, harness.buffers()]).toEqual([programs, buffers]);
        await optimizer.load(await optimizer.save());
        const { step, measured, gradient } = await optimizer.metrics();
        expect([step, measured, gradient]).toEqual([12, undefined, undefined]);
      });
    });

    it('are of parameters whatever they are called', async () => {
      const odd = record<Model[string]>([
        ['__proto__', { shape: [1], data: [1] }],
        ['', { shape: [], data: [2] }],
      ]);
      await withOptimizer(on(sgd({ learningRate: 1 }), odd), async (optimizer) => {
        await optimizer.step(record([...Object.keys(odd)].map((name) => [name, [2]])));
        const { parameters } = await optimizer.metrics();
        expect(Object.keys(odd).map((name) => parameters[name]?.update)).toEqual([2, 2]);
      });
    });
  });
}
