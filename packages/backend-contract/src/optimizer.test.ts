import { reference } from '@opt/backend-reference';
import {
  chain,
  createOptimizer,
  DisposedError,
  GradientError,
  OptionRangeError,
  OptionTypeError,
  partition,
  type Scalar,
  ShapeError,
  StepInterrupted,
  type Transform,
  TransformError,
} from '@opt/core';
import { soap } from '@opt/soap';
import { adamw, sam, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { failing } from './contract/failing.ts';
import { expectSame, input } from './contract/harness.ts';
import { gradientsAt, type Model, oddModel, optimizerOn, smallModel, snapshot, train, withOptimizer } from './contract/models.ts';
import { remote, submitting } from './testing/modes.ts';

const one: Model = { w: { shape: [2], data: [1, 2] } };
const made = (parameters: Model = one, transform = adamw()) => createOptimizer({ transform, parameters, backend: reference() });
const rejection = async (call: () => unknown): Promise<unknown> => {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('createOptimizer refuses', () => {
  it.each<[string, Model, typeof ShapeError | typeof GradientError, string]>([
    ['no parameters', {}, GradientError, 'createOptimizer: parameters must hold at least one parameter, received none'],
    [
      'data of another length',
      { w: { shape: [3], data: [1] } },
      ShapeError,
      "createOptimizer: 'w' of shape [3] must have 3 values, received 1",
    ],
    [
      'an axis of −1',
      { w: { shape: [-1], data: [] } },
      ShapeError,
      "createOptimizer: shape of 'w' must be of integers >= 0, received [-1]",
    ],
    [
      'half an axis',
      { w: { shape: [1.5], data: [1] } },
      ShapeError,
      "createOptimizer: shape of 'w' must be of integers >= 0, received [1.5]",
    ],
  ])('%s', (_, parameters, kind, message) => {
    expect(() => made(parameters)).toThrow(kind);
    expect(() => made(parameters)).toThrow(message);
  });

  it.each([-1, 1.5, 2 ** 32, Number.NaN])('the seed %d', (seed) => {
    expect(() => createOptimizer({ transform: adamw(), parameters: one, backend: reference(), seed })).toThrow(
      `createOptimizer: seed must be an integer in [0, 2^32), received ${seed}`,
    );
  });

  it('what no backend in host memory can adopt', () => {
    const alien = { w: new Date() };
    expect(() => Reflect.apply(createOptimizer, undefined, [{ transform: adamw(), parameters: alien, backend: reference() }])).toThrow(
      "createOptimizer: backend 'reference-f64' takes parameters as { shape, data }, received something else for 'w'",
    );
  });
});

describe('gradients', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['of no parameter', { v: [1, 2] }, "step: gradient 'v' belongs to no parameter, known are w"],
    ['too long', { w: [1, 2, 3] }, "step: gradient of 'w' must have 2 elements (shape [2]), received 3"],
    ['too short', { w: new Float32Array(1) }, "step: gradient of 'w' must have 2 elements (shape [2]), received 1"],
    ['that are a number', { w: 3 }, "step: gradient of 'w' must be"],
    ['that are text', { w: 'ab' }, "step: gradient of 'w' must be"],
    ['that are true', { w: true }, "step: gradient of 'w' must be"],
  ])('%s are refused, and nothing changes', (_, gradients, message) => {
    const optimizer = made();
    optimizer.step({ w: [1, 1] });
    const before = [...(optimizer.parameters['w'] ?? [])];
    const thrown = (() => {
      try {
        Reflect.apply(optimizer.step, optimizer, [gradients]);
      } catch (error) {
        return error;
      }
      return undefined;
    })();
    expect(thrown).toBeInstanceOf(GradientError);
    expect(thrown instanceof Error && thrown.message).toContain(message);
    expect([...(optimizer.parameters['w'] ?? [])]).toEqual(before);
    optimizer.step({ w: [1, 1] });
  });

  it('of nothing at all are no step', async () => {
    await withOptimizer(optimizerOn(reference(), adamw(), oddModel), async (optimizer) => {
      await train(optimizer, oddModel, 0, 2);
      const before = await snapshot(optimizer);
      await optimizer.step({});
      await optimizer.step({ scalar: null, vector: undefined });
      const after = await snapshot(optimizer);
      for (const [key, value] of Object.entries(before)) expectSame(key, after[key] ?? [], value);
      await train(optimizer, oddModel, 2, 4);
      await withOptimizer(optimizerOn(reference(), adamw(), oddModel), async (other) => {
        await train(other, oddModel, 0, 4);
        const [actual, expected] = [await snapshot(optimizer), await snapshot(other)];
        for (const [key, value] of Object.entries(expected)) expectSame(key, actual[key] ?? [], value);
      });
    });
  });

  it('may be filled in place and handed over', () => {
    const optimizer = made();
    optimizer.gradients['w']?.set([1, -1]);
    optimizer.step(optimizer.gradients);
    const other = made();
    other.step({ w: [1, -1] });
    expect([...(optimizer.parameters['w'] ?? [])]).toEqual([...(other.parameters['w'] ?? [])]);
  });
});

describe('set', () => {
  it.each<[Scalar | string, typeof OptionRangeError | typeof OptionTypeError, string]>([
    [-1, OptionRangeError, 'adamw: learningRate must be a finite number >= 0, received -1'],
    [Number.NaN, OptionRangeError, 'adamw: learningRate must be a finite number >= 0, received NaN'],
    ['0.1', OptionTypeError, "adamw: learningRate must be a finite number >= 0, or a function returning one, received '0.1'"],
  ])('refuses %s', (value, kind, message) => {
    const optimizer = made();
    const call = (): unknown => Reflect.apply(optimizer.set, optimizer, ['learningRate', value]);
    expect(call).toThrow(kind);
    expect(call).toThrow(message);
  });

  it('names what there is', () => {
    expect(() => made().set('momentum', 1)).toThrow(TransformError);
    expect(() => made().set('momentum', 1)).toThrow(/'momentum' is no hyperparameter, known are .*beta1.*weightDecay/);
  });

  it('takes a schedule, whose values are checked when they are used; a step that fails so changes nothing', () => {
    const optimizer = made();
    optimizer.set('beta1', (step) => (step < 2 ? 0.5 : 1.5));
    optimizer.step({ w: [1, 1] });
    optimizer.step({ w: [1, 1] });
    const before = [...(optimizer.parameters['w'] ?? []), ...(optimizer.state['adamw.m:w'] ?? [])];
    expect(() => optimizer.step({ w: [1, 1] })).toThrow('adamw: beta1 must be in [0, 1), received 1.5');
    expect([...(optimizer.parameters['w'] ?? []), ...(optimizer.state['adamw.m:w'] ?? [])]).toEqual(before);
    optimizer.set('beta1', 0.5);
    const other = made();
    other.set('beta1', 0.5);
    for (let step = 0; step < 3; step++) other.step({ w: [1, 1] });
    optimizer.step({ w: [1, 1] });
    expect([...(optimizer.parameters['w'] ?? [])]).toEqual([...(other.parameters['w'] ?? [])]);
  });
});

describe('what an optimizer says of itself', () => {
  it('state by key, its bytes, and the programs that will run', () => {
    const optimizer = made({ w: input([4, 3], 1) }, soap());
    expect(Object.keys(optimizer.state)).toEqual(['soap.A0:w', 'soap.Q0:w', 'soap.A1:w', 'soap.Q1:w', 'soap/adam.m:w', 'soap/adam.v:w']);
    expect(optimizer.stateBytes).toBe(8 * (2 * 12 + 2 * 16 + 2 * 9));
    const explanation = optimizer.explain(25);
    expect(explanation.parameterCount).toBe(12);
    expect(explanation.programs.map(({ name, calls }) => [name, calls])).toEqual([
      ['check', 25],
      ['start', 1],
      ['step', 22],
      ['refresh', 2],
    ]);
    expect(String(explanation)).toContain('12 parameters');
    expect(String(explanation)).toContain('orthonormalize');
  });

  it('what is asked in the middle of a step, and what is carried over it', () => {
    const transform = adamw().mapDirection((direction) => chain(sam(), direction));
    const { programs, questions, ...explanation } = made({ w: input([4, 3], 1) }, transform).explain(7);
    expect(programs.map(({ name, calls, carried }) => [name, calls, carried])).toEqual([
      ['check', 7, 0],
      ['step (part 1)', 7, 0],
      ['step', 7, 0],
    ]);
    expect(questions).toEqual([{ name: 'sam.ahead', want: 'gradient', calls: 7 }]);
    expect(String(explanation)).toContain('sam.ahead: gradient, asked in 7 of 7 calls');
  });

  it('a dropped call counts once, however many guards there are', () => {
    const parameters = { a: input([2], 1), b: input([2], 2) };
    const transform = partition({ first: sgd(), second: adamw() }, (name) => (name === 'a' ? 'first' : 'second'));
    const optimizer = createOptimizer({ transform, parameters, backend: reference() });
    optimizer.step({ a: [1, Number.NaN], b: [1, 1] });
    optimizer.step({ a: [1, 1], b: [1, 1] });
    expect(optimizer.skippedSteps).toBe(1);
  });

  it('nothing is left on the backend when it cannot be made', () => {
    const backend = reference();
    const lost: Record<string, Transform> = { a: sgd() };
    expect(() => createOptimizer({ transform: partition(lost, () => 'b'), parameters: one, backend })).toThrow(TransformError);
    expect(backend.buffers).toBe(0);
  });
});

describe('calls that overlap', () => {
  const backends: readonly [string, () => ReturnType<typeof remote> | ReturnType<typeof submitting>][] = [
    ['asynchronous', () => remote(reference())],
    ['submitting', () => submitting(reference())],
  ];

  it.each(backends)('run in their order, on the gradients as they were: %s', async (_, make) => {
    await withOptimizer(optimizerOn(make(), adamw(), smallModel), async (optimizer) => {
      const gradients = { w: new Float64Array(9), b: new Float64Array(3), s: new Float64Array(1) };
      const running: unknown[] = [];
      const saves: (Uint8Array | Promise<Uint8Array>)[] = [];
      for (let step = 0; step < 6; step++) {
        const given = gradientsAt(smallModel, step);
        gradients.w.set(given['w'] ?? []);
        gradients.b.set(given['b'] ?? []);
        gradients.s.set(given['s'] ?? []);
        running.push(optimizer.step(gradients));
        if (step === 2) saves.push(optimizer.save());
      }
      await Promise.all(running);
      const result = await snapshot(optimizer);
      await withOptimizer(optimizerOn(reference(), adamw(), smallModel), async (calm) => {
        await train(calm, smallModel, 0, 6);
        const expected = await snapshot(calm);
        for (const name of Object.keys(smallModel)) expectSame(name, result[name] ?? [], expected[name] ?? []);
        const [save] = saves;
        if (save === undefined) throw new Error('nothing was saved');
        // The checkpoint is that of the moment it was asked for.
        await calm.load(await save);
        await train(calm, smallModel, 3, 6);
        const resumed = await snapshot(calm);
        for (const name of Object.keys(smallModel)) expectSame(name, resumed[name] ?? [], expected[name] ?? []);
      });
    });
  });

  it('a call that waits behind one that was interrupted does not run', async () => {
    const { backend, breakDown } = failing(remote(reference()));
    await withOptimizer(optimizerOn(backend, adamw(), smallModel), async (optimizer) => {
      await train(optimizer, smallModel, 0, 2);
      const before = await snapshot(optimizer);
      breakDown(1);
      const first = rejection(() => optimizer.step(gradientsAt(smallModel, 2)));
      const second = rejection(() => optimizer.step(gradientsAt(smallModel, 3)));
      expect(await first).toBeInstanceOf(StepInterrupted);
      expect(await second).toBeInstanceOf(StepInterrupted);
      const after = await snapshot(optimizer);
      for (const [key, value] of Object.entries(before)) expectSame(key, after[key] ?? [], value);
    });
  });

  it('a call that waits when the optimizer is disposed of is refused', async () => {
    const optimizer = await optimizerOn(remote(reference()), adamw(), smallModel);
    const first = rejection(() => optimizer.step(gradientsAt(smallModel, 0)));
    const second = rejection(() => optimizer.step(gradientsAt(smallModel, 1)));
    await first;
    optimizer.dispose();
    expect(await second).toBeInstanceOf(DisposedError);
  });
});
