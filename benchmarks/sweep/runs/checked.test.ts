import { expect, test } from 'vitest';
import { checkedQuestion } from './checked.ts';

const spec = { task: 'rnn', optimizer: 'lm-adagrad-normalize-ema', rate: 0.1, seed: 0, steps: 500, backend: 'wasm' };

test('a run is taken as it is', () => {
  expect(checkedQuestion({ spec, key: 'k' }, 'job 1')).toEqual({ spec, key: 'k' });
});

test.each<[unknown, string]>([
  [null, 'job 1: expected { spec, key }, got null'],
  [[], 'job 1: expected { spec, key }, got []'],
  [{}, 'job 1: expected key to be that of its settings, got nothing'],
  [{ key: 'k' }, 'job 1: expected a run, got nothing'],
  [{ key: 'k', spec: { ...spec, task: '../../passwd' } }, 'job 1: expected task to be the name of a task, got "../../passwd"'],
  [{ key: 'k', spec: { ...spec, task: 'constructor' } }, 'job 1: expected task to be the name of a task, got "constructor"'],
  [{ key: 'k', spec: { ...spec, optimizer: '../soap' } }, 'job 1: expected optimizer to be the name of an optimizer, got "../soap"'],
  [{ key: 'k', spec: { ...spec, rate: '0.1' } }, 'job 1: expected rate to be a number above 0, got "0.1"'],
  [{ key: 'k', spec: { ...spec, rate: 0 } }, 'job 1: expected rate to be a number above 0, got 0'],
  [{ key: 'k', spec: { ...spec, seed: -1 } }, 'job 1: expected seed to be a whole number from 0, got -1'],
  [{ key: 'k', spec: { ...spec, steps: 0.5 } }, 'job 1: expected steps to be a whole number from 1, got 0.5'],
  [{ key: 'k', spec: { ...spec, backend: 'toString' } }, 'job 1: expected backend to be the name of a backend, got "toString"'],
])('%j is refused', (value, message) => {
  expect(() => checkedQuestion(value, 'job 1')).toThrow(message);
});
