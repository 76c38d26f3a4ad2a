import * as adaptiveExports from '@opt/adaptive';
import * as averagingExports from '@opt/averaging';
import { OptError, OptionRangeError, OptionTypeError, weightEma } from '@opt/core';
import * as lmAdagradExports from '@opt/lm-adagrad';
import * as normalizeEmaExports from '@opt/normalize-ema';
import * as psgdExports from '@opt/psgd';
import * as shampooExports from '@opt/shampoo';
import * as soapExports from '@opt/soap';
import * as transformsExports from '@opt/transforms';
import * as weightHooksExports from '@opt/weight-hooks';
import { describe, expect, it } from 'vitest';
import type { BadValue, TransformRecord } from './records/record.ts';
import { transforms } from './transforms.ts';

const failure = (call: () => unknown): unknown => {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
};

function show(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

describe('the table', () => {
  it.each([
    // SAM and extragradient are not for gradients alone.
    [
      '@opt/transforms',
      transformsExports,
      ['decayOnlyOption', 'decoupled', 'decoupledOptions', 'extragradient', 'general', 'generalOptions', 'nameOf', 'sam'],
    ],
    ['@opt/soap', soapExports, ['everyStep', 'klSoap', 'mergeDims', 'refreshed']],
    ['@opt/normalize-ema', normalizeEmaExports, []],
    ['@opt/lm-adagrad', lmAdagradExports, []],
    ['@opt/weight-hooks', weightHooksExports, []],
    ['@opt/averaging', averagingExports, []],
    // Sophia is not for gradients alone.
    ['@opt/adaptive', adaptiveExports, ['sophiaG', 'sophiaH']],
    ['@opt/psgd', psgdExports, []],
    ['@opt/shampoo', shampooExports, []],
  ])('has a record of everything %s exports', (from, exported, helpers) => {
    const recorded = transforms.filter((record) => record.from === from).map(({ name }) => name);
    expect([...recorded, ...helpers].sort()).toEqual(Object.keys(exported).sort());
  });
});

const cases = transforms.flatMap((record) =>
  Object.entries(record.options).map(([option, bad]): [string, string, TransformRecord, readonly BadValue[]] => [
    record.name,
    option,
    record,
    bad,
  ]),
);

describe('bad input', () => {
  it.each(cases)('%s: %s', (_, option, record, bad) => {
    expect(bad.length).toBeGreaterThan(0);
    for (const { value, error, rule } of bad) {
      const thrown = failure(() => record.make({ [option]: value }));
      const [kind, builtIn] = error === 'range' ? [OptionRangeError, RangeError] : [OptionTypeError, TypeError];
      expect(thrown, `${option}: ${show(value)}`).toBeInstanceOf(kind);
      expect(thrown).toBeInstanceOf(builtIn);
      expect(OptError.isInstance(thrown)).toBe(true);
      expect(thrown instanceof Error && thrown.message).toBe(`${record.called}: ${option} must be ${rule}, received ${show(value)}`);
    }
  });

  const optional = transforms.filter(({ options }) => Object.keys(options).length > 0);

  it.each(optional.map((record) => [record.name, record] as const))('%s refuses unknown options, by name', (_, record) => {
    const thrown = failure(() => record.make({ learningrate: 0.1 }));
    expect(thrown).toBeInstanceOf(OptionTypeError);
    expect(thrown instanceof Error && thrown.message).toContain(`${record.called}: unknown option 'learningrate', known are `);
    for (const option of Object.keys(record.options).filter((name) => name !== 'base'))
      expect(thrown instanceof Error && thrown.message).toContain(option);
  });

  it.each(optional.map((record) => [record.name, record] as const))('%s takes undefined for every option', (_, record) => {
    const undefinedOptions = Object.fromEntries(
      Object.keys(record.options)
        .filter((name) => name !== 'base')
        .map((name) => [name, undefined]),
    );
    expect(() => record.make(undefinedOptions)).not.toThrow();
  });

  it('messages begin with the name the optimizer was given', () => {
    for (const record of transforms.filter(({ options }) => 'name' in options && 'epsilon' in options)) {
      const thrown = failure(() => record.make({ name: 'mine', epsilon: -1 }));
      expect(thrown instanceof Error && thrown.message).toMatch(/^mine: epsilon must be a finite number >=? 0, received -1$/);
    }
  });

  it('two clips name one another', () => {
    for (const record of transforms.filter(({ options }) => 'clipnorm' in options)) {
      const thrown = failure(() => record.make({ clipnorm: 1, globalClipnorm: 2 }));
      expect(thrown).toBeInstanceOf(OptionTypeError);
      expect(thrown instanceof Error && thrown.message).toBe(
        `${record.called}: at most one of clipnorm, clipvalue, globalClipnorm may be set, received clipnorm and globalClipnorm`,
      );
    }
  });

  it('options that are no object', () => {
    for (const record of transforms.filter(
      ({ options, from }) => Object.keys(options).length > 0 && from !== '@opt/core' && !('base' in options),
    )) {
      for (const given of [null, 3, 'fast']) {
        const thrown = failure(() => Reflect.apply(record.make, undefined, [given]));
        expect(thrown, `${record.name}(${String(given)})`).toBeInstanceOf(OptionTypeError);
        expect(thrown instanceof Error && thrown.message).toBe(`${record.called}: options must be an object, received ${show(given)}`);
      }
    }
    expect(failure(() => Reflect.apply(normalizeEmaExports.normalizeEma, undefined, []))).toBeInstanceOf(OptionTypeError);
    expect(failure(() => Reflect.apply(weightEma, undefined, [null, transformsExports.sgd()]))).toBeInstanceOf(OptionTypeError);
  });

  it('sgd: what nesterov needs', () => {
    expect(() => transformsExports.sgd({ nesterov: true })).toThrow('sgd: momentum must be above 0 with nesterov, received 0');
    expect(() => transformsExports.sgd({ nesterov: true, momentum: 0.9, dampening: 0.1 })).toThrow(
      'sgd: dampening must be 0 with nesterov, received 0.1',
    );
  });
});
