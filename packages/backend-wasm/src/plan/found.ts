import { BackendError } from '@opt/core';

/** A value that must be there: if not, the program is malformed, or this package has a mistake. */
export function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new BackendError(`wasm: ${what} is missing`);
  return value;
}
