import { isNarrow } from '@opt/core';
import type { Real, Type } from '../plan/values.ts';
import { type Arithmetic, scalars, vectors } from '../wasm/instructions.ts';

/** How a number is on the stack: alone, as four lanes of f32, or as the lower or higher two of four f64; a code alone, or four of them as words. */
export type Form = Real | 'v32' | 'lo' | 'hi' | 'code' | 'codes';

export const formsOf = (type: Type, lanes: 1 | 4): readonly Form[] => {
  if (isNarrow(type)) return [lanes === 1 ? 'code' : 'codes'];
  return lanes === 1 ? [type] : type === 'f32' ? ['v32'] : ['lo', 'hi'];
};

export const isCode = (form: Form): form is 'code' | 'codes' => form === 'code' || form === 'codes';

/** Whether a value is in this form without a conversion. */
export const isForm = (form: Form, type: Type): boolean => (isCode(form) ? isNarrow(type) : typeOf(form) === type);

/** The type of numbers; codes are as wide as f32. */
export const typeOf = (form: Form): Real => (form === 'f64' || form === 'lo' || form === 'hi' ? 'f64' : 'f32');

export const arithmetic = (form: Form): Arithmetic => (isVector(form) ? vectors : scalars)[typeOf(form)];

export const isVector = (form: Form): boolean => form !== 'f32' && form !== 'f64' && form !== 'code';
