import { TransformError } from '../../errors.ts';
import { isName } from '../../options/options.ts';
import { printShape, type Shape, sameShape } from '../../program/shape.ts';
import type { Kind, Slot } from '../../transform/slot.ts';
import { describe, isPlain } from '../../validation/describe.ts';

/** A key is taken apart at its first '.' and its first ':' behind that. */
export function checkedName(name: unknown): string {
  if (!isName(name)) throw new TransformError(`the name of a stage must be of a-z, 0-9 and -, received ${describe(name)}`);
  return name;
}

const kinds: Readonly<Record<Kind, true>> = { vector: true, diagonal: true, matrix: true, cubic: true, invariant: true };
const dtypes: Readonly<Record<NonNullable<Slot['dtype']>, true>> = { working: true, wide: true, bf16: true, f16: true, int8: true };
const isIn = (known: object, value: unknown): boolean => typeof value === 'string' && Object.hasOwn(known, value);

/** What a stage declares, where the compiler did not look. */
export function checkedSlot(what: string, name: unknown, slot: Slot, parameter: Shape | undefined): Slot {
  const fail = (part: string, expected: string, received: unknown): never => {
    throw new TransformError(`slot '${what}': ${part} must be ${expected}, received ${describe(received)}`);
  };
  if (typeof name !== 'string' || !/^[^.:]+$/.test(name)) fail('the name', "a text without '.' and ':'", name);
  if (typeof slot !== 'object' || slot === null) return fail('it', 'an object such as { shape, kind }', slot);
  const { shape, kind, dtype = 'working', init = 0 } = slot;
  if (!Array.isArray(shape) || !shape.every((n) => Number.isInteger(n) && n >= 0)) fail('shape', 'an array of integers >= 0', shape);
  if (!isIn(kinds, kind)) fail('kind', Object.keys(kinds).join(', '), kind);
  if (!isIn(dtypes, dtype)) fail('dtype', Object.keys(dtypes).join(', '), dtype);
  checkStart(init, fail);
  if (init === 'parameter' && !(parameter !== undefined && sameShape(parameter, shape)))
    fail(
      'shape',
      parameter === undefined ? "a parameter's, of which it starts" : `${printShape(parameter)}, that of the parameter it starts from`,
      shape,
    );
  return slot;
}

function checkStart(init: unknown, fail: (part: string, expected: string, received: unknown) => never): void {
  if (typeof init === 'number' ? Number.isFinite(init) : init === 'identity' || init === 'parameter') return;
  if (isPlain(init)) {
    const { identity, draw, scale = 1 } = init;
    if (draw === undefined && typeof identity === 'number' && Number.isFinite(identity)) return;
    const known = isIn({ normal: true, rademacher: true, uniform: true }, draw);
    if (identity === undefined && known && typeof scale === 'number' && Number.isFinite(scale)) return;
  }
  fail('init', "a finite number, 'identity', { identity: scale }, 'parameter' or { draw: 'normal', scale }", init);
}
