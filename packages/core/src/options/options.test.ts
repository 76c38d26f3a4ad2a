import { describe, expect, it } from 'vitest';
import { OptError, OptionRangeError, OptionTypeError } from '../errors.ts';
import { stage } from '../transform/stage-options.ts';
import { anyNumber, checkValue, hyper, isHyper } from './hyper.ts';
import {
  above,
  choice,
  closedUnit,
  fixed,
  flag,
  integer,
  nonNegative,
  nullable,
  optional,
  positive,
  resolve,
  text,
  unit,
} from './options.ts';

const table = {
  rate: nonNegative(0.1),
  epsilon: positive(1e-8),
  beta: unit(0.9),
  mix: closedUnit(0.5),
  growth: nullable(above(1, 1.1)),
  clip: optional(positive(1)),
  steps: integer(10),
  order: fixed(2, { rule: 'a number >= 1', holds: (x) => x >= 1 }),
  nesterov: flag(false),
  mode: choice('fast', ['fast', 'slow']),
  name: text('test'),
  inner: stage,
};
const read = (given: object) => resolve('test', given, table);

describe('resolve', () => {
  it('gives defaults: live hyperparameters as objects, everything else as it is', () => {
    const o = read({});
    expect([o.rate, o.epsilon, o.beta, o.mix, o.growth].map((one) => one?.value)).toEqual([0.1, 1e-8, 0.9, 0.5, 1.1]);
    expect([o.rate.name, o.rate.rule]).toEqual(['rate', 'test']);
    expect([o.clip, o.steps, o.order, o.nesterov, o.mode, o.name, o.inner]).toEqual([null, 10, 2, false, 'fast', 'test', null]);
  });

  it('takes numbers, schedules, null where allowed, and the hyperparameter of another stage itself', () => {
    const shared = hyper('other', 'rate', 0.5);
    const schedule = (step: number): number => step;
    const o = read({ rate: shared, beta: schedule, growth: null, clip: 3, mode: 'slow', name: 'mine' });
    expect(o.rate).toBe(shared);
    expect(o.beta.value).toBe(schedule);
    expect([o.growth, o.clip?.value, o.mode, o.name]).toEqual([null, 3, 'slow', 'mine']);
  });

  it('two reads of one table are two hyperparameters', () => {
    expect(read({}).rate).not.toBe(read({}).rate);
  });

  it.each<[object, typeof OptionRangeError | typeof OptionTypeError, string]>([
    [{ rate: -1 }, OptionRangeError, 'test: rate must be a finite number >= 0, received -1'],
    [{ rate: Infinity }, OptionRangeError, 'test: rate must be a finite number >= 0, received Infinity'],
    [{ epsilon: 0 }, OptionRangeError, 'test: epsilon must be a finite number > 0, received 0'],
    [{ beta: 1 }, OptionRangeError, 'test: beta must be in [0, 1), received 1'],
    [{ beta: Number.NaN }, OptionRangeError, 'test: beta must be in [0, 1), received NaN'],
    [{ growth: 1 }, OptionRangeError, 'test: growth must be a finite number > 1, received 1'],
    [{ steps: 0 }, OptionRangeError, 'test: steps must be an integer >= 1, received 0'],
    [{ rate: '1' }, OptionTypeError, "test: rate must be a finite number >= 0, or a function returning one, received '1'"],
    [{ rate: null }, OptionTypeError, 'test: rate must be a finite number >= 0, or a function returning one, received null'],
    [{ rate: {} }, OptionTypeError, 'test: rate must be a finite number >= 0, or a function returning one, received an object'],
    [{ steps: () => 1 }, OptionTypeError, 'test: steps must be an integer >= 1, received a function'],
    [{ steps: [1] }, OptionTypeError, 'test: steps must be an integer >= 1, received an array'],
    [{ nesterov: 1 }, OptionTypeError, 'test: nesterov must be true or false, received 1'],
    [{ mode: 'medium' }, OptionTypeError, "test: mode must be 'fast' or 'slow', received 'medium'"],
    [{ name: 'No' }, OptionTypeError, "test: name must be a name of a-z, 0-9 and -, received 'No'"],
    [{ inner: {} }, OptionTypeError, 'test: inner must be a transform such as adam(), received an object'],
    [{ learningRate: 1 }, OptionTypeError, "test: unknown option 'learningRate', known are rate, epsilon"],
    [{ name: 'mine', steps: 0 }, OptionRangeError, 'mine: steps must be an integer >= 1, received 0'],
    [{ name: 'mine', speed: 0 }, OptionTypeError, "mine: unknown option 'speed'"],
  ])('%o', (given, kind, message) => {
    expect(() => read(given)).toThrow(kind);
    expect(() => read(given)).toThrow(message);
  });
});

describe('hyper', () => {
  it('checks a number at once, a schedule when it is used', () => {
    expect(() => hyper('rule', 'rate', Number.NaN)).toThrow('rule: rate must be a finite number, received NaN');
    const scheduled = hyper('rule', 'rate', () => Number.NaN);
    expect(isHyper(scheduled)).toBe(true);
    expect(() => checkValue(scheduled, Number.NaN)).toThrow('rule: rate must be a finite number, received NaN');
    expect(anyNumber.holds(3)).toBe(true);
  });
});

describe('errors', () => {
  it('are those of JavaScript too, and carry a stable code', () => {
    const [range, type] = [new OptionRangeError('a'), new OptionTypeError('b')];
    expect([range instanceof RangeError, type instanceof TypeError]).toEqual([true, true]);
    expect([range instanceof OptError, type instanceof OptError, new Error('c') instanceof OptError]).toEqual([true, true, false]);
    expect([range.code, type.code, range.name, type.name]).toEqual(['option-range', 'option-type', 'OptionRangeError', 'OptionTypeError']);
    expect(range instanceof OptionTypeError).toBe(false);
    expect(OptError.isInstance(null)).toBe(false);
  });

  it('of another copy of the package are recognised', () => {
    expect(OptError.isInstance(Object.assign(new Error('far away'), { [Symbol.for('@opt/error')]: true }))).toBe(true);
  });
});
