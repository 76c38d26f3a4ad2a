import { partition, rule } from '@opt/core';
import { adamw, descend, momentum, sgd } from '@opt/transforms';
import { describe, expect, test } from 'vitest';
import type { Contender } from '../../tasks/optimizers.ts';
import { catalogue as fixture } from '../fixtures/catalogue.ts';
import type { Catalogue } from './catalogue.ts';
import type { RunSpec } from './run.ts';
import { settingsKeys } from './settings-key.ts';
import { taskCode } from './task-code.ts';

const spec: RunSpec = { task: 'quadratic', optimizer: 'one', rate: 0.01, seed: 0, steps: 40, backend: 'wasm' };
const made = (make: Contender['make']): Catalogue => ({ ...fixture, optimizers: [{ name: 'one', label: 'One', decades: [-3, 0], make }] });
const plain = made((learningRate) => sgd({ learningRate, momentum: 0.9 }));
const key = (catalogue: Catalogue, over: Partial<RunSpec> = {}) => settingsKeys(catalogue)({ ...spec, ...over });

test('the same settings give the same key, time after time', async () => {
  const keyOf = settingsKeys(plain);
  expect(await keyOf(spec)).toMatch(/^[0-9a-f]{16}$/);
  expect(await keyOf(spec)).toBe(await keyOf(spec));
  expect(await key(plain)).toBe(await keyOf(spec));
});

describe('another key for', () => {
  test.each<[string, Catalogue, Partial<RunSpec>]>([
    ['another rate', plain, { rate: 0.02 }],
    ['another seed', plain, { seed: 1 }],
    ['other steps', plain, { steps: 41 }],
    ['another backend', plain, { backend: 'reference' }],
    ['another hyperparameter', made((learningRate) => sgd({ learningRate, momentum: 0.8 })), {}],
    ['another rule', made((learningRate) => adamw({ learningRate, weightDecay: 0 })), {}],
    ['another flag', made((learningRate) => sgd({ learningRate, momentum: 0.9, nesterov: true })), {}],
    ['other code of the task', { ...plain, taskCode: async () => 'edited' }, {}],
    ['another task', plain, { task: 'mlp-mini-batch' }],
  ])('%s', async (_, catalogue, over) => {
    expect(await key(catalogue, over)).not.toBe(await key(plain));
  });
});

test('another key where a rule treats a parameter of the task otherwise, by its name', async () => {
  const routed = (name: string) =>
    made((learningRate) =>
      rule(
        partition({ fast: momentum({ nesterov: true }), still: momentum() }, (owner) => (owner === name ? 'fast' : 'still')),
        descend({ learningRate }),
      ),
    );
  expect(await key(routed('x'))).not.toBe(await key(routed('y')));
});

test('the code of a task is that of its files: the same every time, another for another task', async () => {
  const [sign, again, quadratic] = [await taskCode('matrix-sign'), await taskCode('matrix-sign'), await taskCode('quadratic')];
  expect(sign).toBe(again);
  expect(sign).not.toBe(quadratic);
});
