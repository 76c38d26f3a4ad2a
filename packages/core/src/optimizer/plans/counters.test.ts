import { describe, expect, it } from 'vitest';
import { Counters, type Effect } from './counters.ts';

const effects = (record: Record<string, Effect>): Map<string, Effect> => new Map(Object.entries(record));

describe('Counters', () => {
  it('counters that move together share a cell', () => {
    const counters = new Counters();
    const cell = counters.add('a');
    counters.add('b', cell);
    expect(counters.separate(effects({ a: 'count', b: 'count' }))).toBe(false);
    counters.apply([cell], []);
    counters.apply([cell], []);
    expect([counters.value('a'), counters.value('b'), counters.value('never')]).toEqual([2, 2, 0]);
  });

  it('and part with the value they had when one moves without the other', () => {
    const counters = new Counters();
    const cell = counters.add('a');
    for (const name of ['b', 'c', 'd']) counters.add(name, cell);
    counters.apply([cell], []);
    const before = counters.splits;
    expect(counters.separate(effects({ a: 'count', b: 'count', c: 'reset' }))).toBe(true);
    expect(counters.splits).toBeGreaterThan(before);
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => counters.find(name));
    expect(a).toBe(b);
    expect(new Set([a, c, d]).size).toBe(3);
    counters.apply([a ?? -1], [c ?? -1]);
    expect(counters.entries()).toEqual([
      ['a', 2],
      ['b', 2],
      ['c', 0],
      ['d', 1],
    ]);
  });

  it('nothing parts twice', () => {
    const counters = new Counters();
    const cell = counters.add('a');
    counters.add('b', cell);
    const only = effects({ a: 'count' });
    expect(counters.separate(only)).toBe(true);
    expect(counters.separate(only)).toBe(false);
  });

  it('saved counts come back; equal ones share a cell until they part', () => {
    const counters = new Counters();
    counters.add('stale');
    counters.load([
      ['a', 3],
      ['b', 3],
      ['c', 5],
    ]);
    expect([counters.value('a'), counters.value('b'), counters.value('c'), counters.find('stale')]).toEqual([3, 3, 5, undefined]);
    expect(counters.find('a')).toBe(counters.find('b'));
    counters.separate(effects({ a: 'count', c: 'count' }));
    counters.apply([counters.find('a') ?? -1, counters.find('c') ?? -1], []);
    expect([counters.value('a'), counters.value('b'), counters.value('c')]).toEqual([4, 3, 6]);
  });
});
