import type { Type } from '../plan/values.ts';
import type { Code } from '../wasm/code.ts';
import { type Arithmetic, scalars, vectors } from '../wasm/instructions.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import type { VectorMath } from './math.ts';

/** What every emitter of one module shares. */
export interface Context {
  readonly module: ModuleBuilder;
  readonly math: VectorMath;
  /** Address of the host scalars, f64 each. */
  readonly scalars: number;
  /** Room for the code before the loops and in them, used again by every loop nest. */
  readonly drafts: { readonly before: Code; readonly inside: Code };
}

/** How a number is on the stack: alone, as four lanes of f32, or as the lower or higher two of four f64. */
export type Form = Type | 'v32' | 'lo' | 'hi';

export const formsOf = (type: Type, lanes: 1 | 4): readonly Form[] => (lanes === 1 ? [type] : type === 'f32' ? ['v32'] : ['lo', 'hi']);

export const typeOf = (form: Form): Type => (form === 'f32' || form === 'v32' ? 'f32' : 'f64');

export const arithmetic = (form: Form): Arithmetic => (isVector(form) ? vectors : scalars)[typeOf(form)];

export const isVector = (form: Form): boolean => form !== 'f32' && form !== 'f64';
