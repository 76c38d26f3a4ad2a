import * as adaptiveExports from '@opt/adaptive';
import * as averagingExports from '@opt/averaging';
import { OptionTypeError, weightEma } from '@opt/core';
import * as lmAdagradExports from '@opt/lm-adagrad';
import * as normalizeEmaExports from '@opt/normalize-ema';
import * as psgdExports from '@opt/psgd';
import * as quasiNewtonExports from '@opt/quasi-newton';
import * as shampooExports from '@opt/shampoo';
import * as soapExports from '@opt/soap';
import * as transformsExports from '@opt/transforms';
import * as weightHooksExports from '@opt/weight-hooks';
import { describe, expect, it } from 'vitest';
import { failure, show, testOptions } from './contract/options.ts';
import { transforms } from './transforms.ts';

describe('the table', () => {
  it.each([
    // SAM and extragradient are not for gradients alone.
    [
      '@opt/transforms',
      transformsExports,
      ['decayOnlyOption', 'decoupled', 'decoupledOptions', 'extragradient', 'general', 'generalOptions', 'lossScaling', 'nameOf', 'sam'],
    ],
    ['@opt/soap', soapExports, ['everyStep', 'klSoap', 'mergeDims', 'refreshed']],
    ['@opt/normalize-ema', normalizeEmaExports, []],
    ['@opt/lm-adagrad', lmAdagradExports, []],
    ['@opt/weight-hooks', weightHooksExports, []],
    ['@opt/averaging', averagingExports, []],
    // Sophia is not for gradients alone.
    ['@opt/adaptive', adaptiveExports, ['sophiaG', 'sophiaH']],
    ['@opt/psgd', psgdExports, []],
    // L-BFGS neither; its options are tested beside it.
    ['@opt/quasi-newton', quasiNewtonExports, ['lbfgs', 'minimize']],
    ['@opt/shampoo', shampooExports, []],
  ])('has a record of everything %s exports', (from, exported, helpers) => {
    const recorded = transforms.filter((record) => record.from === from).map(({ name }) => name);
    expect([...recorded, ...helpers].sort()).toEqual(Object.keys(exported).sort());
  });
});

testOptions(transforms);

describe('bad input', () => {
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
