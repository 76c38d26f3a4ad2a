import { TransformError } from './errors.ts';

/** The record with every value replaced by `f(value, key)`, keys and their order kept. */
export function mapValues<K extends string, A, B>(record: Readonly<Record<K, A>>, f: (value: A, key: K) => B): Record<K, B> {
  const result: Partial<Record<K, B>> = {};
  for (const key in record) result[key] = f(record[key], key);
  // Every key of K was just assigned, which the compiler cannot see through a loop.
  return result as Record<K, B>;
}

/** The record of no keys: K is `never` wherever a rule declares nothing, which the compiler cannot conclude from an absent property. */
export const none = <K extends string, V>(): Record<K, V> => ({}) as Record<K, V>;

/** The value of `key`; a missing one is a mistake of this library's caller that the types did not catch. */
export function required<V>(record: Readonly<Record<string, V>>, key: string, what: string): V {
  const value = record[key];
  if (value === undefined)
    throw new TransformError(`${what} '${key}' does not exist, known are ${Object.keys(record).join(', ') || 'none'}`);
  return value;
}

/** A record whose values are asked for each time they are read. */
export function getters<K extends string, V>(keys: readonly K[], get: (key: K) => V): Readonly<Record<K, V>> {
  const result = none<K, V>();
  for (const key of keys) Object.defineProperty(result, key, { enumerable: true, get: () => get(key) });
  return result;
}
