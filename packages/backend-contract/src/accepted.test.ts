import { reference } from '@opt/backend-reference';
import {
  type Backend,
  constant,
  cosine,
  createOptimizer,
  exponential,
  GradientError,
  linear,
  OptionRangeError,
  OptionTypeError,
  perTensor,
  piecewise,
  ShapeError,
  sequence,
  TransformError,
  warmup,
} from '@opt/core';
import { normalizeByEma } from '@opt/normalize-ema';
import { adamw, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { call, expectRefused, type Kind } from './testing/refused.ts';

const P = (data: unknown, shape: unknown = [2]) => ({ w: { shape, data } });
const options = (over: object) => ({ transform: sgd(), parameters: P([1, 2]), backend: reference({ precision: 'f32' }), ...over });
const without = (name: string) => Object.fromEntries(Object.entries(options({})).filter(([key]) => key !== name));

describe('createOptimizer', () => {
  it.each<[string, unknown, Kind, string]>([
    ['nothing', undefined, OptionTypeError, 'createOptimizer: options must be an object, received undefined'],
    ['no transform', without('transform'), OptionTypeError, 'transform must be a transform such as adam(), received undefined'],
    ['a function for a transform', options({ transform: sgd }), OptionTypeError, 'received a function; call it: sgd()'],
    ['its options for a transform', options({ transform: { learningRate: 1 } }), OptionTypeError, 'such as adam(), received an object'],
    ['no backend', without('backend'), OptionTypeError, 'backend must be a backend such as wasm(), received undefined'],
    ['a function for a backend', options({ backend: reference }), OptionTypeError, 'received a function; call it: reference()'],
    [
      'a promise for a backend',
      options({ backend: Promise.resolve(reference()) }),
      OptionTypeError,
      'received a Promise (is an await missing?); await it first',
    ],
    ['a name for a backend', options({ backend: 'wasm' }), OptionTypeError, "received 'wasm'"],
    [
      'a rate',
      options({ learningRate: 1 }),
      OptionTypeError,
      "unknown option 'learningRate', known are transform, parameters, backend, seed, draws, about, metrics, stateDtype; it is the transform's: transform: sgd({ learningRate: 0.1 })",
    ],
    ['a misspelled name', options({ param: {} }), OptionTypeError, "unknown option 'param'"],
    ['a name that objects have', options({ toString: 1 }), OptionTypeError, "unknown option 'toString'"],
    ['a near name', options({ sede: 1 }), OptionTypeError, "did you mean 'seed'?"],
    ['a seed in text', options({ seed: '1' }), OptionTypeError, "seed must be an integer in [0, 2^32), received '1'"],
    [
      'draws that are numbers',
      options({ draws: [1] }),
      OptionTypeError,
      'draws must be a function (name, owner, shape) => numbers, received an array',
    ],
    [
      'no parameters',
      without('parameters'),
      OptionTypeError,
      'parameters must be an object such as { w: { shape: [2, 3], data } }, received undefined',
    ],
    [
      'a Map',
      options({ parameters: new Map(Object.entries(P([1, 2]))) }),
      OptionTypeError,
      'received a Map; write Object.fromEntries(map)',
    ],
    ['an array of parameters', options({ parameters: [P([1, 2]).w] }), OptionTypeError, 'received an array'],
    ['an empty model', options({ parameters: {} }), GradientError, 'parameters must hold at least one parameter, received none'],
    [
      'an array alone',
      options({ parameters: { w: new Float32Array(3) } }),
      OptionTypeError,
      "for 'w': a Float32Array; write { shape: [3], data }",
    ],
    ['a parameter of null', options({ parameters: { w: null } }), OptionTypeError, "for 'w': null"],
    ['a shape alone', options({ parameters: { w: { shape: [2] } } }), OptionTypeError, "for 'w': an object"],
    [
      'a shape that is a number',
      options({ parameters: P([1, 2], 2) }),
      ShapeError,
      "shape of 'w' must be an array of integers >= 0, received 2",
    ],
    ['data of null', options({ parameters: P(null) }), OptionTypeError, "data of 'w' must be an array of 2 numbers, received null"],
    ['a promise of data', options({ parameters: P(Promise.resolve([1, 2])) }), OptionTypeError, 'await it first'],
    [
      'BigInt64Array',
      options({ parameters: P(BigInt64Array.of(1n, 2n)) }),
      OptionTypeError,
      'received a BigInt64Array; write Float64Array.from(values, Number)',
    ],
    [
      'an ArrayBuffer',
      options({ parameters: P(new ArrayBuffer(8)) }),
      OptionTypeError,
      'received an ArrayBuffer; write new Float32Array(buffer)',
    ],
    ['NaN', options({ parameters: P([1, Number.NaN]) }), OptionRangeError, "data of 'w' must be of finite numbers, received NaN at [1]"],
    ['Infinity', options({ parameters: P(Float32Array.of(-Infinity, 1)) }), OptionRangeError, 'received -Infinity at [0]'],
    ['strings', options({ parameters: P(['1', '2']) }), OptionTypeError, "received '1' at [0]"],
    ['undefined inside', options({ parameters: P([1, undefined]) }), OptionTypeError, 'received undefined at [1]'],
    ['more than f32 holds', options({ parameters: P([1, 1e39]) }), OptionRangeError, 'of finite numbers in f32, received 1e+39 at [1]'],
    ['rows', options({ parameters: P([[1], [2]]) }), OptionTypeError, 'received an array at [0]'],
  ])('refuses %s', (_, given, kind, said) => {
    expectRefused(call(createOptimizer, given), kind, said);
  });

  it('takes what f64 holds where working precision is f64, two parameters from one array, and every shape of numbers', () => {
    const data = Float32Array.of(1, 2);
    const o = createOptimizer({
      transform: sgd({ learningRate: 1 }),
      parameters: { a: { shape: [2], data }, b: { shape: [2], data }, c: { shape: [], data: [1e39] } },
      backend: reference(),
    });
    o.step({ a: [1, 1] });
    expect([Array.from(o.parameters.a), Array.from(o.parameters.b), Array.from(o.parameters.c)]).toEqual([[0, 1], [1, 2], [1e39]]);
  });

  it('gives back a backend everything that a backend failed over', () => {
    const backend = reference();
    const failing: Backend<'sync', 'sync'> = Object.assign(Object.create(backend), {
      compile: () => {
        throw new Error('no compiler');
      },
    });
    const projected = perTensor({ name: 'once', once: (_, p) => p.mul(2), apply: ({ parameter }) => ({ parameter: parameter.mul(2) }) });
    expect(() => createOptimizer({ transform: projected, parameters: { w: { shape: [2], data: [1, 2] } }, backend: failing })).toThrow(
      'no compiler',
    );
    expect(backend.buffers).toBe(0);
  });
});

describe('schedules', () => {
  it.each<[string, () => unknown, Kind, string]>([
    ['cosine()', call(cosine), OptionTypeError, 'cosine: options must be an object, received undefined'],
    ['cosine of a number', call(cosine, 0.1), OptionTypeError, 'cosine: options must be an object, received 0.1'],
    [
      'cosine with too much',
      call(cosine, { from: 1, steps: 2, until: 3 }),
      OptionTypeError,
      "cosine: unknown option 'until', known are from, to, steps",
    ],
    ['cosine without steps', call(cosine, { from: 1 }), OptionTypeError, 'cosine: steps must be an integer >= 1, received undefined'],
    ['linear in text', call(linear, { from: '1', to: 0, steps: 5 }), OptionTypeError, "linear: from must be a finite number, received '1'"],
    ['exponential()', call(exponential), OptionTypeError, 'exponential: options'],
    [
      'warmup without what comes after',
      call(warmup, { steps: 5 }),
      OptionTypeError,
      'warmup: after must be a finite number, or a function returning one, received undefined',
    ],
    ['constant()', call(constant), OptionTypeError, 'constant: value must be a finite number, received undefined'],
    ['piecewise()', call(piecewise, {}), OptionTypeError, 'piecewise: boundaries must be an array, received undefined'],
    [
      'sequence of numbers',
      call(sequence, [1, 2]),
      OptionTypeError,
      'sequence: parts[0] must be an object such as { schedule: 0.1, steps: 100 }, received 1',
    ],
    ['sequence()', call(sequence), OptionTypeError, 'sequence: parts must be an array, received undefined'],
  ])('%s', (_, f, kind, said) => {
    expectRefused(f, kind, said);
  });
});

describe('an optimizer', () => {
  const optimizer = () => createOptimizer({ transform: adamw(), parameters: { w: { shape: [1], data: [0] } }, backend: reference() });
  it.each<[string, () => unknown, Kind, string]>([
    [
      'set without an address',
      () => Reflect.apply(optimizer().set, optimizer(), []),
      OptionTypeError,
      "the address must be a name such as 'learningRate', received undefined",
    ],
    ['set of a name nearly right', () => optimizer().set('learningrate', 1), TransformError, "did you mean 'learningRate'?"],
    ['explain(-1)', () => optimizer().explain(-1), OptionRangeError, 'explain: calls must be an integer >= 0, received -1'],
    ["explain('3')", () => Reflect.apply(optimizer().explain, optimizer(), ['3']), OptionTypeError, "received '3'"],
  ])('%s', (_, f, kind, said) => {
    expectRefused(f, kind, said);
  });

  it('normalizeByEma takes its options by name', () => {
    expectRefused(call(normalizeByEma, { emabeta: 0.5 }), OptionTypeError, "did you mean 'emaBeta'?");
  });
});
