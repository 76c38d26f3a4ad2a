import { BackendError } from '@opt/core';

/** What must be there; that it is not is a fault of this package. */
export function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new BackendError(`webgpu: ${what} is missing from the plan`);
  return value;
}
