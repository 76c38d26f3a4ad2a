import { CheckpointError } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { identify, identifyLate, type Known } from './bindings.ts';

const shape = [4, 4];
const known = (...names: string[]): Known[] => names.map((name) => ({ key: `key of ${name}`, name, shape, last: 1 }));
const found = (saved: readonly Known[], incoming: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    [
      ...identify(
        saved,
        incoming.map((name) => ({ name, shape })),
      ),
    ].map(([name, one]) => [name, one.name]),
  );
const kernel = (layer: string) => `${layer}/kernel`;
const kernels = (...layers: string[]): string[] => layers.map(kernel);

describe('names come first', () => {
  it('in whatever order', () => {
    expect(found(known('1', '0'), ['0', '1'])).toEqual({ 0: '0', 1: '1' });
    expect(found(known(...kernels('b', 'c', 'a')), kernels('a', 'b', 'c'))).toEqual({
      'a/kernel': 'a/kernel',
      'b/kernel': 'b/kernel',
      'c/kernel': 'c/kernel',
    });
  });

  it('what is new is left out, what is missing waits', () => {
    expect(found(known(...kernels('dense_Dense2', 'dense_Dense3')), kernels('dense_Dense1', 'dense_Dense2', 'dense_Dense3'))).toEqual({
      'dense_Dense2/kernel': 'dense_Dense2/kernel',
      'dense_Dense3/kernel': 'dense_Dense3/kernel',
    });
    expect(found(known(...kernels('dense_Dense1', 'dense_Dense2')), kernels('dense_Dense2'))).toEqual({
      'dense_Dense2/kernel': 'dense_Dense2/kernel',
    });
    expect(found(known(...kernels('a', 'head')), kernels('a', 'other'))).toEqual({ 'a/kernel': 'a/kernel' });
  });

  it('a name with another shape is another parameter', () => {
    const saved = known('a', 'b');
    expect([
      ...identify(saved, [
        { name: 'a', shape: [4, 4] },
        { name: 'b', shape: [4, 5] },
      ]),
    ]).toEqual([['a', saved[0]]]);
  });

  it('a replaced last layer is new; a shift of counted names is not told from a replaced first one', () => {
    expect(found(known(...kernels('d1', 'd2', 'd3')), kernels('d1', 'd2', 'd4'))).toEqual({
      'd1/kernel': 'd1/kernel',
      'd2/kernel': 'd2/kernel',
    });
    expect(() => found(known(...kernels('d1', 'd2')), kernels('d2', 'd3'))).toThrow(CheckpointError);
    expect(() => found(known('3', '4'), ['4', '5'])).toThrow(
      "variable '5' [4, 4] may be any of the saved parameters '3', '4', whose names are counted",
    );
  });

  it('of a layer and the one that replaced it under its name, the one trained last is meant if only one comes', () => {
    const saved = known('head/kernel', 'head/kernel_1').map((one, i) => ({ ...one, last: 5 + 4 * i }));
    const keys = (...names: string[]): string[] =>
      [
        ...identify(
          saved,
          names.map((name) => ({ name, shape })),
        ),
      ].map(([name, { key }]) => `${name}: ${key}`);
    expect(keys('head/kernel')).toEqual(['head/kernel: key of head/kernel_1']);
    expect(keys('head/kernel', 'head/kernel_1')).toEqual(['head/kernel: key of head/kernel', 'head/kernel_1: key of head/kernel_1']);
    expect(keys('head/kernel_1')).toEqual(['head/kernel_1: key of head/kernel_1']);
  });
});

describe('where no name is the same', () => {
  it('suffixes do not count', () => {
    expect(found(known(...kernels('b', 'a')), ['a/kernel_1', 'b/kernel_1', 'c/kernel_1'])).toEqual({
      'a/kernel_1': 'a/kernel',
      'b/kernel_1': 'b/kernel',
    });
    expect(found(known('a/kernel_1', 'a/kernel_2'), ['a/kernel_4', 'a/kernel_3'])).toEqual({
      'a/kernel_3': 'a/kernel_1',
      'a/kernel_4': 'a/kernel_2',
    });
  });

  it('layers of a kind go by their numbers, not by the order in which they were trained', () => {
    expect(
      found(
        known(...kernels('dense_Dense2', 'dense_Dense10', 'dense_Dense1', 'lstm_LSTM1')),
        kernels('lstm_LSTM7', 'dense_Dense12', 'dense_Dense13', 'dense_Dense14'),
      ),
    ).toEqual({
      'dense_Dense12/kernel': 'dense_Dense1/kernel',
      'dense_Dense13/kernel': 'dense_Dense2/kernel',
      'dense_Dense14/kernel': 'dense_Dense10/kernel',
      'lstm_LSTM7/kernel': 'lstm_LSTM1/kernel',
    });
    expect(() => found(known(...kernels('dense_Dense1', 'dense_Dense2')), kernels('dense_Dense5'))).toThrow(CheckpointError);
  });

  it('variables without names go by the order of declaration', () => {
    expect(found(known('1', '0'), ['8', '7'])).toEqual({ 8: '1', 7: '0' });
    expect(() => found(known('1', '0'), ['8'])).toThrow(
      "none of the variables '8' [4, 4] has the name of a saved parameter ('1' [4, 4], '0' [4, 4])",
    );
  });
});

it('one that joins later is what waits under its name, or new', () => {
  const unmet = known('a/kernel', 'b/kernel');
  expect([...identifyLate(unmet, [{ name: 'b/kernel', shape }], true)]).toEqual([['b/kernel', unmet[1]]]);
  expect([...identifyLate(unmet, [{ name: 'a/kernel_3', shape }], false)]).toEqual([['a/kernel_3', unmet[0]]]);
  expect([...identifyLate(unmet, [{ name: 'a/kernel_3', shape }], true)]).toEqual([]);
  expect([...identifyLate(unmet, [{ name: 'c/kernel', shape }], false)]).toEqual([]);
});
