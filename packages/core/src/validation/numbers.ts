import { describe, isBigInts } from './describe.ts';

/** Whether a value can be read by position at all; what is at a position, `strange` looks at. */
export const isArrayLike = (value: unknown): value is ArrayLike<unknown> =>
  typeof value === 'object' && value !== null && 'length' in value && typeof value.length === 'number';

/** Typed arrays of numbers: nothing else can be in them, so nobody has to look. */
export const isTyped = (value: unknown): boolean => ArrayBuffer.isView(value) && !(value instanceof DataView) && !isBigInts(value);

/**
 * What keeps an array from being `length` numbers, in words; undefined where nothing does. Numbers may be NaN or infinite.
 * Typed arrays cost nothing, ordinary ones one look at every element.
 */
export function strange(value: unknown, length: number): string | undefined {
  if (!isArrayLike(value) || isBigInts(value)) return describe(value);
  if (value.length !== length) return `${value.length}`;
  if (isTyped(value)) return undefined;
  for (let i = 0; i < length; i++) {
    if (typeof value[i] !== 'number') return `${describe(value[i])} at [${i}]`;
  }
  return undefined;
}

/** Numbers that came from outside, checked and copied; `fail` is told what came instead. */
export function numbersFrom(value: unknown, length: number, fail: (received: string) => Error): Float32Array | Float64Array {
  const wrong = strange(value, length);
  if (wrong !== undefined || !isNumbers(value)) throw fail(wrong ?? describe(value));
  return value instanceof Float32Array ? value.slice() : Float64Array.from(value);
}

/** By `strange`, which has looked at every element. */
const isNumbers = (value: unknown): value is ArrayLike<number> => isArrayLike(value);
