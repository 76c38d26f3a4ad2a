import { createOptimizer, GradientError, ObjectiveError, OptError } from '@opt/core';
import { sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import type { Harness } from './harness.ts';
import { optimizerOn } from './models.ts';
import { failureOf } from './optimizers.ts';

class Holder {
  readonly w = [5, 5];
}

const tensorLike = { dataId: {}, rankType: '1', shape: [2], dtype: 'float32', data: async () => Float32Array.of(5, 5) };

/** What is no gradient of two numbers, and what the message says it is. */
export const wrongGradients: readonly (readonly [what: string, make: () => unknown, said: RegExp])[] = [
  ['a promise', () => Promise.resolve([5, 5]), /received a Promise \(is an await missing\?\); await it first/],
  ['a tf.Tensor', () => tensorLike, /received a tf\.Tensor; hand over its numbers: await x\.data\(\)/],
  ['an ArrayBuffer', () => new ArrayBuffer(8), /received an ArrayBuffer; write new Float32Array\(buffer\)/],
  ['a DataView', () => new DataView(new ArrayBuffer(2)), /received a DataView; write new Float32Array\(buffer\)/],
  ['a Map', () => new Map([[0, 5]]), /received a Map/],
  ['a Set', () => new Set([5, 6]), /received a Set/],
  ['a Date', () => new Date(0), /received a Date/],
  ['{}', () => ({}), /received an object/],
  ['{ 0: 5, 1: 5 }', () => ({ 0: 5, 1: 5 }), /received an object/],
  ['BigInt64Array', () => BigInt64Array.of(5n, 5n), /received a BigInt64Array; write Float64Array\.from\(values, Number\)/],
  ['bigints', () => [5n, 5n], /received the bigint 5n at \[0\]/],
  ['undefined inside', () => [5, undefined], /received undefined at \[1\]/],
  ['null inside', () => [null, 5], /received null at \[0\]/],
  ['strings', () => ['5', '5'], /received '5' at \[0\]/],
  ['rows', () => [[5], [5]], /received an array at \[0\]/],
  ['a sparse array', () => Object.assign(new Array(2), [5]), /received undefined at \[1\]/],
  ['an object with a length', () => ({ length: 2 }), /received undefined at \[0\]/],
  ['text', () => 'ab', /received 'ab'/],
  ['a number', () => 5, /received 5/],
  ['a function', () => () => [5, 5], /received a function; call it/],
  ['one too few', () => [5], /must have 2 elements \(shape \[2\]\), received 1/],
  ['one too many', () => new Float64Array(3), /must have 2 elements \(shape \[2\]\), received 3/],
];

/** What is no set of gradients at all. */
export const wrongSets: readonly (readonly [what: string, make: () => unknown, said: RegExp])[] = [
  ['nothing', () => undefined, /received undefined/],
  ['null', () => null, /received null/],
  ['a promise', () => Promise.resolve({ w: [5, 5] }), /received a Promise \(is an await missing\?\); await it first/],
  ['a Map', () => new Map([['w', [5, 5]]]), /received a Map; write Object\.fromEntries\(map\)/],
  ['an empty Map', () => new Map(), /received a Map/],
  ['a Set', () => new Set(), /received a Set/],
  ['a number', () => 5, /received 5/],
  ['an empty array', () => new Float32Array(0), /received a Float32Array/],
  ['an array', () => [5, 5], /received an array/],
  ['an instance', () => new Holder(), /received a Holder/],
  ['a function', () => () => ({ w: [5, 5] }), /received a function/],
  ['a misspelled name', () => ({ W: [5, 5] }), /gradient 'W' belongs to no parameter, known are w/],
];

/** Nothing that cannot be right is taken for a gradient, and what was refused has changed nothing. */
export function testAccepted(harness: Harness): void {
  const model = { w: { shape: [2], data: [0, 0] } };
  const stepWith = (optimizer: object, given: unknown): unknown => Reflect.apply(Reflect.get(optimizer, 'step'), optimizer, [given]);

  async function refused(given: () => unknown, kind: typeof GradientError | typeof ObjectiveError, said: RegExp): Promise<void> {
    const optimizer = await optimizerOn(harness.backend, sgd({ learningRate: 1 }), model);
    await optimizer.step({ w: [1, 2] });
    const failure = await failureOf(() => stepWith(optimizer, given()));
    expect(failure).toBeInstanceOf(kind);
    expect(OptError.isInstance(failure)).toBe(true);
    expect(failure instanceof Error && failure.message).toMatch(said);
    expect(Array.from((await optimizer.parameters['w']) ?? [])).toEqual([-1, -2]);
    await optimizer.step({ w: [1, 2] });
    expect(Array.from((await optimizer.parameters['w']) ?? [])).toEqual([-2, -4]);
    optimizer.dispose();
  }

  describe('a gradient that cannot be right is refused, by the name of its parameter', () => {
    it.each(wrongGradients)('%s', async (_, make, said) => {
      await refused(() => ({ w: make() }), GradientError, said);
      await refused(() => ({ w: make() }), GradientError, /gradient of 'w'/);
      await refused(() => ({ gradients: () => ({ w: make() }) }), ObjectiveError, said);
    });

    it.each(wrongSets)('%s in place of all', async (_, make, said) => {
      await refused(make, GradientError, said);
    });
  });

  it('gradients that are views of one another go where they are said to belong', async () => {
    const two = { a: { shape: [2], data: [0, 0] }, b: { shape: [2], data: [0, 0] } };
    const optimizer = await optimizerOn(harness.backend, sgd({ learningRate: 1 }), two);
    await optimizer.step({ a: [1, 2], b: [10, 20] });
    const [a, b] = [await optimizer.gradients['a'], await optimizer.gradients['b']];
    if (a !== undefined && b !== undefined) await optimizer.step({ a: b, b: a });
    expect(Array.from((await optimizer.parameters['a']) ?? [])).toEqual([-11, -22]);
    expect(Array.from((await optimizer.parameters['b']) ?? [])).toEqual([-11, -22]);
    optimizer.dispose();
  });

  describe('nothing stays on the backend when an optimizer cannot be made', () => {
    const broken: Readonly<Record<string, (made: number) => boolean>> = {
      'the first buffer': (made) => made === 1,
      'a gradient': (made) => made === 3,
      'a slot': (made) => made === 5,
    };
    it.each(Object.entries(broken))('%s cannot be had', async (_, fails) => {
      const before = harness.buffers();
      let made = 0;
      const backend = new Proxy(harness.backend, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name, target);
          if (typeof value !== 'function') return value;
          return (...given: unknown[]) => {
            if (name === 'create' && fails(++made)) throw new Error('no memory');
            return Reflect.apply(value, target, given);
          };
        },
      });
      const two = { a: { shape: [2], data: [0, 0] }, b: { shape: [2], data: [0, 0] } };
      const failure = await failureOf(() => createOptimizer({ transform: sgd({ momentum: 0.9 }), parameters: two, backend }));
      expect(failure instanceof Error && failure.message).toBe('no memory');
      expect(harness.buffers()).toBe(before);
    });
  });
}
