import { reference } from '@opt/backend-reference';
import { CheckpointError, concatenated, named, partition, rule, type Transform, TransformError } from '@opt/core';
import { stiefel } from '@opt/geometric';
import { soap } from '@opt/soap';
import { adam, adamw, descend, ema, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { expectSame, input } from './contract/harness.ts';
import { type AnyOptimizer, everythingFitted, type Model, optimizerOn, snapshot, train, withOptimizer } from './contract/models.ts';
import { failureOf } from './contract/optimizers.ts';
import { awaited, remote, submitting } from './testing/modes.ts';

const model: Model = { w: input([2, 2], 1), b: input([3], 2) };
const scalar: Model = { w: { shape: [1], data: [0] } };
const on = (transform: Transform, parameters: Model = model) => optimizerOn(reference(), transform, parameters);
const firstOf = async (optimizer: AnyOptimizer, name = 'w'): Promise<number> => (await optimizer.parameters[name])?.[0] ?? Number.NaN;

async function savedBy(transform: Transform, parameters: Model = model, steps = 4): Promise<Uint8Array> {
  const optimizer = await on(transform, parameters);
  await train(optimizer, parameters, 0, steps);
  return optimizer.save();
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : '');

describe('a file of another transform', () => {
  it.each<[string, Transform, Transform, string[], string[]]>([
    [
      "SOAP's into AdamW",
      soap(),
      adamw(),
      ['adamw.m:w', 'adamw.v:w', 'adamw.m:b', 'adamw.v:b'],
      ['soap.A0:w', 'soap.A1:w', 'soap.Q0:w', 'soap.Q1:w', 'soap/adam.m:w', 'soap/adam.v:w', 'soap/adam.m:b', 'soap/adam.v:b'],
    ],
    ["AdamW's into SGD", adamw(), sgd(), [], ['adamw.m:w', 'adamw.v:w', 'adamw.m:b', 'adamw.v:b']],
    ["SGD's into AdamW", sgd(), adamw(), ['adamw.m:w', 'adamw.v:w', 'adamw.m:b', 'adamw.v:b'], []],
    ['without an average, into one with', adamw(), adamw({ useEma: true }), ['weight-ema.average:w', 'weight-ema.average:b'], []],
  ])('%s: refused with all that is missing and surplus, or taken as far as it fits', async (_, from, into, missing, surplus) => {
    const file = await savedBy(from);
    const optimizer = await on(into);
    await train(optimizer, model, 0, 2);
    const before = await optimizer.save();
    const error = await failureOf(() => optimizer.load(file));
    expect(error).toBeInstanceOf(CheckpointError);
    const lists = error instanceof CheckpointError ? [[...error.missing].sort(), [...error.surplus].sort()] : [];
    expect(lists).toEqual([[...missing].sort(), [...surplus].sort()]);
    for (const key of [...missing, ...surplus]) expect(messageOf(error)).toContain(`'${key}'`);
    expect(await optimizer.save()).toEqual(before);
    const report = await optimizer.load(file, { state: 'matching' });
    expect([[...report.missing].sort(), [...report.surplus].sort(), [...report.fresh].sort()]).toEqual([lists[0], lists[1], lists[0]]);
  });

  it('of the same names, but another kind or shape of state', async () => {
    const momentum = (kind: 'vector' | 'invariant', axes: (shape: readonly number[]) => readonly number[]): Transform => ({
      name: 'own',
      declare: (parameters, at) => {
        for (const [owner, shape] of Object.entries(parameters)) at.child('own').slot('m', owner, { shape: axes(shape), kind });
      },
      apply: (flow) => flow,
    });
    const file = await savedBy(
      momentum('vector', (shape) => shape),
      model,
      0,
    );
    for (const other of [momentum('invariant', (shape) => shape), momentum('vector', (shape) => [...shape, 2])]) {
      const optimizer = await on(other);
      expect(messageOf(await failureOf(() => optimizer.load(file)))).toContain("'own.m:w' is");
      expect((await optimizer.load(file, { state: 'matching' })).fresh).toEqual(['own.m:w', 'own.m:b']);
    }
  });

  it('with one slot more: what was counted goes on where its state does, and starts anew where it does not', async () => {
    // With a constant gradient Adam moves by the learning rate, and only if count and moments belong together.
    const constant = (optimizer: AnyOptimizer) => optimizer.step({ w: [2] });
    const plain = await on(adamw({ learningRate: 1, weightDecay: 0 }), scalar);
    for (let i = 0; i < 3; i++) await constant(plain);
    const file = await plain.save();
    const grown = await on(adamw({ learningRate: 1, weightDecay: 0, amsgradBeta: 1 }), scalar);
    const { fresh } = await grown.load(file, { state: 'matching' });
    expect(fresh).toHaveLength(1);
    await constant(grown);
    expect(await firstOf(grown)).toBeCloseTo(-4, 6);
    const renamed = await on(rule(named('other', adam()), descend({ learningRate: 1 })), scalar);
    await renamed.load(file, { state: 'matching' });
    await constant(renamed);
    expect(await firstOf(renamed)).toBeCloseTo(-4, 6);
  });

  it('a window of accumulated gradients that is dropped leaves no count behind', async () => {
    const windows = () => sgd({ learningRate: 1, gradientAccumulationSteps: 3 });
    const first = await on(windows(), scalar);
    for (const g of [5, 7]) await first.step({ w: [g] });
    const without = await on(sgd({ learningRate: 1 }), scalar);
    await without.load(await first.save(), { state: 'matching' });
    const again = await on(windows(), scalar);
    await again.load(await without.save(), { state: 'matching' });
    for (const g of [1, 2, 3]) await again.step({ w: [g] });
    expect(await firstOf(again)).toBe(-2);
  });

  it('parameters only: as a new optimizer made with them', async () => {
    const file = await savedBy(adamw({ learningRate: 0.5 }));
    const parameters = Object.fromEntries(Object.entries(model).map(([name, { shape }]) => [name, { shape, data: [] as number[] }]));
    const source = await on(adamw());
    await source.load(file);
    for (const [name, { data }] of Object.entries(parameters)) data.push(...((await source.parameters[name]) ?? []));
    const [loaded, made] = [await on(soap({ learningRate: 0.1 })), await on(soap({ learningRate: 0.1 }), parameters)];
    await train(loaded, model, 5, 9);
    const report = await loaded.load(file, { state: 'none' });
    expect(report.fresh).toEqual(Object.keys(loaded.state));
    expect(report.hyperparameters).toContainEqual({ name: 'learningRate', saved: 0.5, here: 0.1, taken: 'here' });
    for (const optimizer of [loaded, made]) await train(optimizer, model, 0, 12);
    const [actual, expected] = [await snapshot(loaded), await snapshot(made)];
    for (const [key, value] of Object.entries(expected)) expectSame(key, actual[key] ?? [], value);
  });

  const far: Model = { w: { shape: [2, 2], data: [1, 0, 0, 1] } };
  const square = (data: number[]): Promise<Uint8Array> => savedBy(sgd(), { w: { shape: [2, 2], data } }, 0);

  it.each([
    ['at once', reference()],
    ['awaited', remote(reference())],
    ['awaited, readable', awaited(reference())],
    ['not to be read', submitting(reference())],
  ] as const)('parameters of another are put on the manifold, as at construction: %s', async (_, backend) => {
    await withOptimizer(optimizerOn(backend, stiefel({ strict: true }), far), async (optimizer) => {
      await optimizer.load(await square([2, 0, 0, 3]), { state: 'none' });
      const w = Array.from((await optimizer.parameters['w']) ?? []);
      [1, 0, 0, 1].forEach((x, i) => {
        expect(w[i]).toBeCloseTo(x, 6);
      });
    });
  });

  it.each([
    ['at once', reference()],
    ['awaited', remote(reference())],
  ] as const)('and refused where they cannot be, with everything as it was: %s', async (_, backend) => {
    await withOptimizer(optimizerOn(backend, stiefel({ strict: true }), far), async (optimizer) => {
      await train(optimizer, far, 0, 2);
      const before = await optimizer.save();
      const file = await square([1, 2, 2, 4]);
      const error = await failureOf(() => optimizer.load(file, { state: 'none' }));
      expect(error).toBeInstanceOf(CheckpointError);
      expect(messageOf(error)).toContain("parameter 'w' must start near the manifold");
      expect(await optimizer.save()).toEqual(before);
      await train(optimizer, far, 2, 3);
    });
  });
});

describe('parameters that came and went', () => {
  const three: Model = { ...model, c: input([2], 3) };

  it('are refused, both ways, with what would do', async () => {
    const [grown, shrunk] = [await on(adamw(), three), await on(adamw())];
    expect(messageOf(await failureOf(async () => grown.load(await savedBy(adamw()))))).toBe(
      "load: the file must hold 'parameter:c' (to start what it lacks anew: { newcomers: 'fresh' })",
    );
    expect(messageOf(await failureOf(async () => shrunk.load(await savedBy(adamw(), three))))).toBe(
      "load: the file holds 'parameter:c', nothing here does (to leave that out: { leavers: 'drop' })",
    );
  });

  it('a newcomer starts fresh, the others go on bit for bit', async () => {
    const through = await on(adamw());
    await train(through, model, 0, 4);
    const file = await through.save();
    const [grown, made] = [await on(adamw(), three), await on(adamw(), { c: input([2], 3) })];
    await train(grown, three, 0, 2);
    const kept = Array.from((await grown.parameters['c']) ?? []);
    expect(await grown.load(file, { newcomers: 'fresh' })).toEqual({
      ...everythingFitted,
      missing: ['parameter:c', 'adamw.m:c', 'adamw.v:c'],
      fresh: ['adamw.m:c', 'adamw.v:c'],
    });
    expect(Array.from((await grown.parameters['c']) ?? [])).toEqual(kept);
    const gradients = { w: [1, 2, 3, 4], b: [5, 6, 7], c: [8, 9] };
    await grown.step(gradients);
    await through.step({ w: gradients.w, b: gradients.b });
    const [actual, expected] = [await snapshot(grown), await snapshot(through)];
    for (const [key, value] of Object.entries(expected)) expectSame(key, actual[key] ?? [], value);
    // The first step of a new AdamW: m = (1 − β₁)g.
    await made.step({ c: gradients.c });
    expectSame('adamw.m:c', actual['adamw.m:c'] ?? [], (await made.state['adamw.m:c']) ?? []);
    expect(Math.abs((actual['c']?.[0] ?? 0) - (kept[0] ?? 0) * (1 - 1e-3 * 0.01))).toBeCloseTo(1e-3, 7);
  });

  it('a leaver is dropped, and comes back as new', async () => {
    const optimizer = await on(adamw());
    const report = await optimizer.load(await savedBy(adamw(), three), { leavers: 'drop' });
    expect(report).toEqual({ ...everythingFitted, surplus: ['parameter:c', 'adamw.m:c', 'adamw.v:c'] });
    const again = await on(adamw({ learningRate: 1, weightDecay: 0 }), { ...model, c: { shape: [2], data: [0, 0] } });
    await again.load(await optimizer.save(), { newcomers: 'fresh', hyperparameters: 'keep' });
    await again.step({ c: [3, 3] });
    expect(await firstOf(again, 'c')).toBeCloseTo(-1, 6);
  });

  it('state that joins parameters of which some came or went starts anew, the rest goes on', async () => {
    const make = () =>
      partition(
        {
          joined: rule(concatenated(ema({ beta: 0.5 })), descend({ learningRate: 1 })),
          alone: rule(ema({ beta: 0.5 }), descend({ learningRate: 1 })),
        },
        (name) => (name === 'b' ? 'alone' : 'joined'),
      );
    const grown = await on(make(), three);
    const { missing, surplus, fresh } = await grown.load(await savedBy(make()), { newcomers: 'fresh' });
    expect([missing, surplus, fresh]).toEqual([['parameter:c'], [], ['joined/ema.m:*']]);
    const before = await snapshot(grown);
    await grown.step({ w: [2, 2, 2, 2], b: [0, 0, 0], c: [2, 2] });
    const after = await snapshot(grown);
    expect((after['w']?.[0] ?? 0) - (before['w']?.[0] ?? 0)).toBeCloseTo(-1, 12);
    expect(after['alone/ema.m:b']?.[0]).toBe((before['alone/ema.m:b']?.[0] ?? 0) / 2);
    const shrunk = await on(make(), { w: input([2, 2], 1) });
    expect(await shrunk.load(await savedBy(make()), { leavers: 'drop' })).toEqual({
      ...everythingFitted,
      surplus: ['parameter:b', 'alone/ema.m:b'],
    });
  });

  it('one that moved to another group is another transform', async () => {
    const make = (joined: string) =>
      partition({ joined: rule(concatenated(ema()), descend()), alone: sgd() }, (name) => (name === joined ? 'joined' : 'alone'));
    const same: Model = { a: input([2], 1), b: input([2], 2) };
    const optimizer = await on(make('b'), same);
    expect(messageOf(await failureOf(async () => optimizer.load(await savedBy(make('a'), same))))).toContain(
      "'joined/ema.m:*' is vector working [2] of 'b' [2] here, vector working [2] of 'a' [2] in the file",
    );
  });
});

describe('options of load', () => {
  it.each([
    [{ state: 'some' }, "load: state must be 'all' or 'matching' or 'none', received 'some'"],
    [{ newcomers: true }, "load: newcomers must be 'refuse' or 'fresh', received true"],
    [{ leavers: 'fresh' }, "load: leavers must be 'refuse' or 'drop', received 'fresh'"],
    [{ hyperparameters: 'new' }, "load: hyperparameters must be 'saved' or 'keep', received 'new'"],
    [{ strict: false }, "load: unknown option 'strict', known are state, newcomers, leavers, hyperparameters, stateDtype"],
    [null, 'load: options must be an object, received null'],
  ])('%o', async (options, message) => {
    const optimizer = await on(adamw());
    const file = await optimizer.save();
    expect(messageOf(await failureOf(() => Reflect.apply(optimizer.load, optimizer, [file, options])))).toBe(message);
  });
});

describe('names', () => {
  it('a parameter may have any name', async () => {
    const odd: Model = Object.fromEntries(
      ['__proto__', 'constructor', 'toString', '7', ':', '.m:w', '\ud800', ''].map((name, i) => [name === '' ? ' ' : name, input([2], i)]),
    );
    const optimizer = await on(adamw(), odd);
    const file = await optimizer.save();
    expect(await (await on(adamw(), odd)).load(file)).toEqual(everythingFitted);
    expect(messageOf(await failureOf(async () => (await on(adamw())).load(file)))).toContain("'parameter:__proto__'");
  });
});

it('an error of construction is still one of the transform', async () => {
  expect(await failureOf(() => on(stiefel({ strict: true }), { w: { shape: [2, 2], data: [1, 2, 2, 4] } }))).toBeInstanceOf(TransformError);
});
