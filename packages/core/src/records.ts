import { TransformError } from './errors.ts';
import { listed } from './validation/names.ts';

/**
 * Records are keyed by what users call their parameters, and that may be any string: `constructor` and `__proto__` too. So they have no
 * prototype, in which such names would be found, and are made here; a record that came from outside is read by `own`.
 */
export function record<V>(entries: Iterable<readonly [string, V]> = []): Record<string, V> {
  const result: Record<string, V> = Object.create(null);
  for (const [key, value] of entries) result[key] = value;
  return result;
}

/** All entries of several records; of a key that several have, the last one's. */
export const merged = <V>(...records: readonly Readonly<Record<string, V>>[]): Record<string, V> =>
  record(records.flatMap(Object.entries<V>));

/** What a record itself has under a name. */
export const own = <V>(from: Readonly<Record<string, V>>, key: string): V | undefined => (Object.hasOwn(from, key) ? from[key] : undefined);

/** The record with every value replaced by `f(value, key)`, keys and their order kept. */
export function mapValues<K extends string, A, B>(given: Readonly<Record<K, A>>, f: (value: A, key: K) => B): Record<K, B> {
  const result: Partial<Record<K, B>> = Object.create(null);
  for (const key in given) if (Object.hasOwn(given, key)) result[key] = f(given[key], key);
  // Every key of K was just assigned, which the compiler cannot see through a loop.
  return result as Record<K, B>;
}

/** The record of no keys: K is `never` wherever a rule declares nothing, which the compiler cannot conclude from an absent property. */
export const none = <K extends string, V>(): Record<K, V> => Object.create(null);

/** The value of `key`; a missing one is a mistake of this library's caller that the types did not catch. */
export function required<V>(from: Readonly<Record<string, V>>, key: string, what: string): V {
  const value = own(from, key);
  if (value === undefined) throw new TransformError(`${what} '${key}' does not exist, known are ${listed(Object.keys(from))}`);
  return value;
}

/** A record whose values are asked for each time they are read. */
export function getters<K extends string, V>(keys: readonly K[], get: (key: K) => V): Readonly<Record<K, V>> {
  const result = none<K, V>();
  for (const key of keys) Object.defineProperty(result, key, { enumerable: true, get: () => get(key) });
  return result;
}
