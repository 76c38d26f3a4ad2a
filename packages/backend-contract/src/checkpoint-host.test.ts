import { reference } from '@opt/backend-reference';
import { chain, createOptimizer, linear, named, rule, type Transform } from '@opt/core';
import { adamw, descend, ema, normalizeRms, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { type AnyOptimizer, everythingFitted, type Model, optimizerOn, train } from './contract/models.ts';
import { failureOf } from './contract/optimizers.ts';
import { inFirstFormat } from './testing/checkpoint-files.ts';
import { submitting, unseen } from './testing/modes.ts';

const scalar: Model = { w: { shape: [1], data: [0] } };
const on = (transform: Transform) => optimizerOn(reference(), transform, scalar);
const firstOf = async (optimizer: AnyOptimizer): Promise<number> => (await optimizer.parameters['w'])?.[0] ?? Number.NaN;

async function savedBy(transform: Transform, steps: number): Promise<Uint8Array> {
  const optimizer = await on(transform);
  await train(optimizer, scalar, 0, steps);
  return optimizer.save();
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : '');

describe('hyperparameters', () => {
  const schedule = () => sgd({ learningRate: linear({ from: 0.5, to: 0, steps: 10 }) });
  const afterOne = async (transform: Transform): Promise<Uint8Array> => {
    const optimizer = await on(transform);
    await optimizer.step({ w: [1] });
    return optimizer.save();
  };

  it('a schedule of the transform is never replaced', async () => {
    const optimizer = await on(schedule());
    const { hyperparameters } = await optimizer.load(await afterOne(sgd({ learningRate: 0.1 })));
    expect(hyperparameters).toEqual([{ name: 'learningRate', saved: 0.1, here: 'schedule', taken: 'here' }]);
    await optimizer.step({ w: [1] });
    expect(await firstOf(optimizer)).toBeCloseTo(-0.1 - 0.45, 12);
  });

  it('not even by a number that had been set in its place', async () => {
    const first = await on(schedule());
    first.set('learningRate', 0.1);
    await first.step({ w: [1] });
    const optimizer = await on(schedule());
    const { hyperparameters } = await optimizer.load(await first.save());
    expect(hyperparameters).toEqual([{ name: 'learningRate', saved: 0.1, here: 'schedule', taken: 'here' }]);
    await optimizer.step({ w: [1] });
    expect(await firstOf(optimizer)).toBeCloseTo(-0.1 - 0.45, 12);
  });

  it('where the file had a schedule, the number here stays, and that is said', async () => {
    const optimizer = await on(sgd({ learningRate: 0.1 }));
    const { hyperparameters } = await optimizer.load(await afterOne(schedule()));
    expect(hyperparameters).toEqual([{ name: 'learningRate', saved: 'schedule', here: 0.1, taken: 'here' }]);
    await optimizer.step({ w: [1] });
    expect(await firstOf(optimizer)).toBeCloseTo(-0.5 - 0.1, 12);
  });

  it.each([
    [{}, 'saved', -0.1 - 0.1],
    [{ hyperparameters: 'saved' }, 'saved', -0.1 - 0.1],
    [{ hyperparameters: 'keep' }, 'here', -0.1 - 0.3],
  ] as const)('of two numbers the saved one holds, unless it is asked otherwise: %o', async (options, taken, expected) => {
    const optimizer = await on(sgd({ learningRate: 0.3 }));
    const { hyperparameters } = await optimizer.load(await afterOne(sgd({ learningRate: 0.1 })), options);
    expect(hyperparameters).toEqual([{ name: 'learningRate', saved: 0.1, here: 0.3, taken }]);
    await optimizer.step({ w: [1] });
    expect(await firstOf(optimizer)).toBeCloseTo(expected, 12);
  });

  it('one that only the file has, or only the transform, is said', async () => {
    const [decaying, not] = [() => sgd({ learningRate: 1 }), () => rule(normalizeRms(), descend({ learningRate: 1 }))];
    const only = async (from: Transform, into: Transform) => (await (await on(into)).load(await afterOne(from))).hyperparameters;
    expect(await only(decaying(), not())).toEqual([{ name: 'weightDecay', saved: 0, here: undefined, taken: 'here' }]);
    expect(await only(not(), decaying())).toEqual([{ name: 'weightDecay', saved: undefined, here: 0, taken: 'here' }]);
  });

  it('one that its hyperparameter cannot have is refused, or kept', async () => {
    const make = () => rule(ema({ beta: 0.5 }), descend({ learningRate: 1 }));
    const changed = inFirstFormat(await savedBy(make(), 1), { hypers: { beta: 1.5, learningRate: 1 } });
    const optimizer = await on(make());
    const before = await optimizer.save();
    expect(messageOf(await failureOf(() => optimizer.load(changed)))).toContain(
      "load: hyperparameter 'beta' is 1.5 in the file: ema: beta must be in [0, 1), received 1.5",
    );
    expect(await optimizer.save()).toEqual(before);
    await optimizer.load(changed, { hyperparameters: 'keep' });
  });

  it('a schedule goes on from the count of the file, also where state is taken in part', async () => {
    const make = (...more: Transform[]) =>
      rule(chain(normalizeRms(), ...more), descend({ learningRate: linear({ from: 1, to: 0, steps: 10 }) }));
    const file = await afterOne(make(named('gone', ema({ beta: 0 }))));
    for (const transform of [make(), make(named('new', ema({ beta: 0 })))]) {
      const optimizer = await on(transform);
      await optimizer.load(file, { state: 'matching' });
      await optimizer.step({ w: [1] });
      expect(await firstOf(optimizer)).toBeCloseTo(-1 - 0.9, 12);
    }
  });
});

describe('dropped calls', () => {
  const poison = { w: [Number.NaN] };

  it.each([
    ['a device', 'the host', () => submitting(reference()), () => reference()],
    ['the host', 'a device', () => reference(), () => submitting(reference())],
    ['a device', 'a device', () => submitting(reference()), () => submitting(reference())],
  ] as const)('one that %s dropped is one for %s', async (_, __, from, into) => {
    const first = await optimizerOn(from(), sgd(), scalar);
    for (const gradient of [{ w: [1] }, poison, { w: [1] }]) await first.step(gradient);
    const second = await optimizerOn(into(), sgd(), scalar);
    await second.step(poison);
    expect(await second.load(await first.save())).toEqual(everythingFitted);
    expect(await second.skippedSteps).toBe(1);
    await second.step(poison);
    expect(await second.skippedSteps).toBe(2);
    const third = await optimizerOn(from(), sgd(), scalar);
    await third.load(await second.save());
    expect(await third.skippedSteps).toBe(2);
  });

  // Adam's moments by hand: the dropped calls are not among its steps.
  const adam = (gradients: readonly number[]): number => {
    let [w, m, v] = [0, 0, 0];
    gradients.forEach((g, i) => {
      m = 0.9 * m + 0.1 * g;
      v = 0.999 * v + 0.001 * g * g;
      w -= (0.1 * m) / (1 - 0.9 ** (i + 1)) / (Math.sqrt(v / (1 - 0.999 ** (i + 1))) + 1e-8);
    });
    return w;
  };
  const [before, after] = [
    [1, Number.NaN, -2, Number.NaN, 0.5],
    [3, Number.NaN, 0.25, 1],
  ];
  const good = [...before, ...after].filter(Number.isFinite);

  it('that only a device knows of are no steps of AdamW, on whatever goes on with its file', async () => {
    const make = () => adamw({ learningRate: 0.1, weightDecay: 0 });
    const device = createOptimizer({ transform: make(), parameters: scalar, backend: unseen(reference()) });
    for (const g of before) device.step({ w: { there: [g] } });
    const file = await device.save();
    const [host, other] = [await on(make()), createOptimizer({ transform: make(), parameters: scalar, backend: unseen(reference()) })];
    expect([await host.load(file), other.load(file)]).toEqual([everythingFitted, everythingFitted]);
    expect([await host.skippedSteps, await other.skippedSteps]).toEqual([2, 2]);
    for (const g of after) {
      await host.step({ w: [g] });
      for (const optimizer of [device, other]) optimizer.step({ w: { there: [g] } });
    }
    for (const optimizer of [host, device, other]) {
      expect((await optimizer.parameters['w'])?.[0]).toBeCloseTo(adam(good), 12);
      expect(await optimizer.skippedSteps).toBe(3);
    }
    const back = await on(make());
    await back.load(await other.save());
    expect(await back.skippedSteps).toBe(3);
  });

  it('a window of accumulated gradients goes on where it was, there and back', async () => {
    const make = () => sgd({ learningRate: 1, gradientAccumulationSteps: 3 });
    const host = await on(make());
    for (const g of [3, 6]) await host.step({ w: [g] });
    const device = createOptimizer({ transform: make(), parameters: scalar, backend: unseen(reference()) });
    device.load(await host.save());
    // (3 + 6 + 9)/3, and a window of which two calls arrive.
    for (const g of [9, 1, Number.NaN]) device.step({ w: { there: [g] } });
    expect((await device.parameters['w'])?.[0]).toBe(-6);
    await host.load(await device.save());
    expect(await host.skippedSteps).toBe(1);
    await host.step({ w: [2] });
    expect(await firstOf(host)).toBe(-6);
    await host.step({ w: [6] });
    expect(await firstOf(host)).toBe(-9);
  });
});
