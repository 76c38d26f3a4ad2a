import { OptError } from '@opt/core';
import { expect } from 'vitest';

export type Kind = abstract new (...given: never[]) => Error;

/** A call as JavaScript makes it, without the compiler. */
export const call =
  (f: (...given: never[]) => unknown, ...given: unknown[]) =>
  (): unknown =>
    Reflect.apply(f, undefined, given);

/** Refused by an error of ours, of this kind, that says this. */
export function expectRefused(make: () => unknown, kind: Kind, said: RegExp | string): void {
  expect(make).toThrow(kind);
  expect(make).toThrow(said);
  expect(make).toThrow(OptError);
}
