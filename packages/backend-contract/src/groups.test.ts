import { reference } from '@opt/backend-reference';
import { accumulate, createOptimizer, partition } from '@opt/core';
import { muon } from '@opt/geometric';
import { adamw, sgd } from '@opt/transforms';
import { expect, it } from 'vitest';

const parameters = { kernel: { shape: [2, 2], data: [1, 2, 3, 4] }, bias: { shape: [2], data: [1, 2] } };

it('one group of everything where nothing divides', () => {
  const optimizer = createOptimizer({ transform: sgd({ learningRate: 0.5 }), parameters, backend: reference() });
  expect(optimizer.groups).toEqual([{ path: '', parameters: ['kernel', 'bias'], hyperparameters: optimizer.hyperparameters }]);
});

it('groups of a partition, in a wrapper, with the hyperparameters as they are now', () => {
  const parts = partition({ matrices: sgd({ learningRate: 0.5 }), rest: adamw({ learningRate: 0.1 }) }, (_, shape) =>
    shape.length === 2 ? 'matrices' : 'rest',
  );
  const optimizer = createOptimizer({ transform: accumulate(2, parts), parameters, backend: reference() });
  optimizer.set('rest/learningRate', 0.25);
  const [matrices, rest, ...more] = optimizer.groups;
  expect(more).toEqual([]);
  expect([matrices?.path, matrices?.parameters, rest?.path, rest?.parameters]).toEqual(['matrices', ['kernel'], 'rest', ['bias']]);
  expect(matrices?.hyperparameters['matrices/descend/learningRate']).toBe(0.5);
  expect(rest?.hyperparameters['beta1']).toBe(0.9);
  // Every address is one that `set` takes.
  for (const { hyperparameters } of optimizer.groups)
    for (const [address, value] of Object.entries(hyperparameters)) {
      optimizer.set(address, value);
      expect(optimizer.hyperparameters[address]).toBe(value);
    }
});

it('the groups that a rule makes by itself: muon leaves vectors to AdamW', () => {
  const optimizer = createOptimizer({ transform: muon(), parameters, backend: reference(), about: { kernel: { role: 'hidden' } } });
  expect(optimizer.groups.map(({ path, parameters: names }) => [path, ...names])).toEqual([
    ['hidden', 'kernel'],
    ['aux', 'bias'],
  ]);
});
