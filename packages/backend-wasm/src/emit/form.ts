import type { Type } from '../plan/values.ts';
import { type Arithmetic, scalars, vectors } from '../wasm/instructions.ts';

/** How a number is on the stack: alone, as four lanes of f32, or as the lower or higher two of four f64. */
export type Form = Type | 'v32' | 'lo' | 'hi';

export const formsOf = (type: Type, lanes: 1 | 4): readonly Form[] => (lanes === 1 ? [type] : type === 'f32' ? ['v32'] : ['lo', 'hi']);

export const typeOf = (form: Form): Type => (form === 'f32' || form === 'v32' ? 'f32' : 'f64');

export const arithmetic = (form: Form): Arithmetic => (isVector(form) ? vectors : scalars)[typeOf(form)];

export const isVector = (form: Form): boolean => form !== 'f32' && form !== 'f64';
