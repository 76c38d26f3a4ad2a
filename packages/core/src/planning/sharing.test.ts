import { expect, test } from 'vitest';
import { computedAgain, dependencies } from './sharing.ts';

interface Value {
  readonly name: string;
  readonly inputs: readonly Value[];
}

const value = (name: string, ...inputs: readonly Value[]): Value => ({ name, inputs });
const names = (values: Iterable<Value>): string[] => [...values].map(({ name }) => name).sort();

test('what is wanted needs its operands, and theirs, and nothing else', () => {
  const [a, b] = [value('a'), value('b')];
  const c = value('c', a);
  const d = value('d', c);
  const unread = value('unread', b, c);
  expect(names(dependencies([a, b, c, d, unread], [d]))).toEqual(['a', 'c', 'd']);
});

test('what two pieces of work compute is named, its operands are not, nor what is a trifle', () => {
  const a = value('a');
  const [inner, trifle] = [value('inner', a), value('trifle', a)];
  const outer = value('outer', inner);
  const again = computedAgain([[inner, outer, trifle], [inner, outer, trifle], [a]], ({ name }) => name !== 'trifle');
  expect(names(again)).toEqual(['outer']);
});
