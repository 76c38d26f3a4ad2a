import { reference } from '@opt/backend-reference';
import {
  accumulate,
  chain,
  concatenated,
  createOptimizer,
  hyper,
  inBasis,
  named,
  OptionRangeError,
  OptionTypeError,
  partition,
  perTensor,
  rule,
  skipNonFinite,
  TransformError,
  weightEma,
} from '@opt/core';
import { normalizeEma } from '@opt/normalize-ema';
import { kroneckerEigenbasis, soap } from '@opt/soap';
import { adam, adamw, decay, descend, normalize, sgd, sign } from '@opt/transforms';
import { describe, expect, it, vi } from 'vitest';
import { call, expectRefused, type Kind } from './testing/refused.ts';

const P = (data: unknown, shape: unknown = [2]) => ({ w: { shape, data } });
const options = (over: object) => ({ transform: sgd(), parameters: P([1, 2]), backend: reference({ precision: 'f32' }), ...over });

const slot = (declared: object) => call(perTensor, { name: 'mine', state: () => ({ m: declared }), apply: () => ({}) });
const make = (transform: unknown) =>
  call(createOptimizer, options({ transform, parameters: { w: { shape: [2, 2], data: [1, 2, 3, 4] } } }));
const basis = () => kroneckerEigenbasis();

describe('what combines stages', () => {
  it.each<[string, () => unknown, Kind, string]>([
    ['chain(undefined)', call(chain, undefined), OptionTypeError, 'chain: stage 1 must be a transform such as adam(), received undefined'],
    [
      'chain of a function',
      call(chain, adam(), descend),
      OptionTypeError,
      'chain: stage 2 must be a transform such as adam(), received a function; call it: descend()',
    ],
    ['chain of nothing', call(chain), TransformError, 'chain: there must be at least one stage, received none'],
    ['rule()', call(rule), OptionTypeError, 'rule: stage 1 must be'],
    ['named without a stage', call(named, 'mine'), OptionTypeError, 'named: stage must be'],
    ['named by a number', call(named, 3, adam()), TransformError, 'received 3'],
    ['accumulate(2)', call(accumulate, 2), OptionTypeError, 'accumulate: inner must be a transform such as adam(), received undefined'],
    ["accumulate('2')", call(accumulate, '2', sgd()), TransformError, "received '2'"],
    ['weightEma without a stage', call(weightEma, {}), OptionTypeError, 'weightEma: inner must be'],
    [
      "skipNonFinite(_, 'thro')",
      call(skipNonFinite, sgd(), 'thro'),
      OptionTypeError,
      "otherwise must be 'skip' or 'throw', received 'thro'",
    ],
    ['skipNonFinite of a function', call(skipNonFinite, sgd), OptionTypeError, 'call it: sgd()'],
    ['partition without rules', call(partition, {}, () => 'a'), TransformError, 'rules must hold at least one rule, received none'],
    [
      'partition swapped',
      call(partition, () => 'a', { a: sgd() }),
      OptionTypeError,
      'rules must be an object of rules by label, received a function; write partition({',
    ],
    ['partition of a rule', call(partition, sgd(), () => 'a'), OptionTypeError, 'rules must be an object of rules by label'],
    [
      'partition without a route',
      call(partition, { a: sgd() }),
      OptionTypeError,
      'route must be a function (name, shape) => label, received undefined',
    ],
    [
      'partition of functions',
      call(partition, { a: sgd }, () => 'a'),
      OptionTypeError,
      'partition: a must be a transform such as adam(), received a function; call it: sgd()',
    ],
    [
      'a route to nowhere',
      make(partition({ a: sgd() }, () => Reflect.get({}, 'b'))),
      TransformError,
      "parameter 'w' must go to one of a, received undefined",
    ],
    ['concatenated()', call(concatenated), OptionTypeError, 'concatenated: inner must be'],
    [
      'inBasis without a basis',
      call(inBasis, adam(), adam()),
      OptionTypeError,
      'inBasis: basis must be a basis such as kroneckerEigenbasis(), received an object',
    ],
    ['inBasis of a function', call(inBasis, kroneckerEigenbasis, adam()), OptionTypeError, 'call it: kroneckerEigenbasis()'],
    ['inBasis without a stage', call(inBasis, basis()), OptionTypeError, 'inBasis: inner must be'],
    [
      'normalizeEma of a function',
      call(normalizeEma, { base: soap }),
      OptionTypeError,
      'base must be an optimizer such as soap(), received a function; call it: soap()',
    ],
    ['perTensor()', call(perTensor), OptionTypeError, 'perTensor: rule must be an object such as { name, apply }, received undefined'],
    ['a rule without apply', call(perTensor, { name: 'mine' }), OptionTypeError, 'mine: apply must be a function, received undefined'],
    [
      'a rule with too much',
      call(perTensor, { name: 'mine', aply: 1, apply: () => ({}) }),
      OptionTypeError,
      "unknown option 'aply', known are name, hyper, needs, state, once, apply; did you mean 'apply'?",
    ],
    [
      'a rule whose name is none',
      call(perTensor, { name: 'a.b', apply: () => ({}) }),
      TransformError,
      "name must be of a-z, 0-9 and -, received 'a.b'",
    ],
    [
      'options for a stage that has none',
      call(normalize, { maxNorm: 1 }),
      OptionTypeError,
      'normalize: takes no options, received an object',
    ],
    ['a rate for sign', call(sign, 0.1), OptionTypeError, 'sign: takes no options, received 0.1'],
    ['options in a list', call(sgd, [0.1]), OptionTypeError, 'sgd: options must be an object, received an array'],
    ['a rate alone', call(adamw, 0.1), OptionTypeError, 'adamw: options must be an object, received 0.1'],
    [
      'a shared option of another range',
      call(sgd, { momentum: hyper('descend', 'learningRate', 3) }),
      OptionRangeError,
      'sgd: momentum must be in [0, 1), received 3',
    ],
  ])('%s', (_, f, kind, said) => {
    expectRefused(f, kind, said);
  });

  it.each<[string, object, string]>([
    ['a dtype', { shape: [2], kind: 'vector', dtype: 'f8' }, "slot 'mine.m': dtype must be working, wide, bf16, f16, int8, received 'f8'"],
    ['a kind', { shape: [2], kind: 'tensor' }, "slot 'mine.m': kind must be vector, diagonal, matrix, cubic, invariant, received 'tensor'"],
    ['a kind that objects have', { shape: [2], kind: 'toString' }, 'kind must be'],
    ['a shape', { shape: [1.5], kind: 'vector' }, "slot 'mine.m': shape must be an array of integers >= 0"],
    [
      'an init',
      { shape: [2], kind: 'vector', init: 'ones' },
      "slot 'mine.m': init must be a finite number, 'identity', { identity: scale }, 'parameter' or { draw: 'normal', scale }, received 'ones'",
    ],
  ])('a slot of %s there is not', (_, declared, said) => {
    expectRefused(make(slot(declared)()), TransformError, said);
  });

  it.each<[string, unknown, string]>([
    ['inBasis', rule(inBasis(basis(), chain(adam(), decay())), descend()), "inBasis 'soap': stage 'decay' moves the parameter"],
    ['inBasis, an optimizer', rule(inBasis(basis(), sgd()), descend()), "inBasis 'soap': stage 'descend' moves the parameter"],
    ['concatenated', rule(concatenated(chain(adam(), decay())), descend()), "concatenated: stage 'decay' moves the parameter"],
    [
      'concatenated in a basis',
      rule(inBasis(basis(), concatenated(chain(adam(), decay()))), descend()),
      "stage 'decay' moves the parameter",
    ],
  ])('a move inside %s is refused when the optimizer is made', (_, transform, said) => {
    const backend = reference();
    expectRefused(call(createOptimizer, { ...options({}), transform, parameters: P([1, 2, 3, 4], [2, 2]), backend }), TransformError, said);
    expect(backend.buffers).toBe(0);
  });

  it('a rule that no parameter goes to is named in the log', () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const rules = { some: sgd(), none: adamw() };
    createOptimizer({ transform: partition(rules, () => 'some'), parameters: { w: { shape: [1], data: [0] } }, backend: reference() });
    expect(warned.mock.calls).toEqual([["@opt: partition: no parameter goes to 'none', of w"]]);
    createOptimizer({
      transform: partition(rules, () => 'some', { empty: true }),
      parameters: { w: { shape: [1], data: [0] } },
      backend: reference(),
    });
    expect(warned.mock.calls.length).toBe(1);
    warned.mockRestore();
  });
});
