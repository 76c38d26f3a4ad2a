import { OptionRangeError, OptionTypeError } from '../../errors.ts';
import { message } from '../../options/hyper.ts';
import { choice, type Option, resolve } from '../../options/options.ts';
import type { Narrow } from '../../program/program.ts';
import { size } from '../../program/shape.ts';
import type { Kind, Slot, StateDtype } from '../../transform/slot.ts';
import { isPlain } from '../../validation/describe.ts';

/** How state is to be held, whatever a stage says: all of it, or by kind. Symmetric matrices are a kind of their own, if named. */
export type Narrowed = StateDtype | { readonly [K in Kind | 'symmetric']?: StateDtype };

const known: readonly StateDtype[] = ['bf16', 'f16', 'int8'];

const one: Option<StateDtype | undefined> = (value, rule, name) =>
  value === undefined ? undefined : choice<StateDtype>('bf16', known)(value, rule, name);

/** How `createOptimizer` reads `stateDtype`. */
export const narrowedOption: Option<Narrowed | undefined> = (value, rule, option) => {
  if (value === undefined || typeof value === 'string') return one(value, rule, option);
  if (!isPlain(value))
    throw new OptionTypeError(
      message(rule, option, "one of bf16, f16, int8 or an object such as { vector: 'bf16', diagonal: 'int8' }", value),
    );
  const read = resolve(`${rule}: ${option}`, value, {
    vector: one,
    diagonal: one,
    matrix: one,
    symmetric: one,
    cubic: one,
    invariant: one,
  });
  const said = Object.entries(read).filter((entry): entry is [Kind | 'symmetric', StateDtype] => entry[1] !== undefined);
  return Object.fromEntries(said);
};

/** What was said about a slot; counts, single numbers and what is held wide stay as they are. */
export function askedFor(
  narrowed: Narrowed | undefined,
  { shape, kind, dtype = 'working', symmetric, counts }: Slot,
): StateDtype | undefined {
  if (narrowed === undefined || dtype !== 'working' || counts !== undefined || shape.length === 0 || size(shape) === 0) return undefined;
  // What moves with no basis may be anything: positions, averages of weights, counts as data.
  if (typeof narrowed === 'string') return kind === 'invariant' ? undefined : narrowed;
  return (symmetric === true ? narrowed.symmetric : undefined) ?? narrowed[kind];
}

/** @throws OptionRangeError where a backend has no such codes */
export function checkHeld(wanted: ReadonlySet<Narrow>, backend: { readonly name: string; readonly narrow?: readonly Narrow[] }): void {
  const lacking = [...wanted].filter((narrow) => !(backend.narrow ?? []).includes(narrow));
  if (lacking.length === 0) return;
  const has = backend.narrow === undefined ? 'none' : backend.narrow.join(', ');
  throw new OptionRangeError(
    `createOptimizer: stateDtype must be one that backend '${backend.name}' can hold (${has}), received ${lacking.join(', ')}; take wasm(), or leave it out`,
  );
}
