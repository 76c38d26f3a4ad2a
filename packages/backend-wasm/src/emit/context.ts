import type { Code } from '../wasm/code.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import type { VectorMath } from './math.ts';

/** What every emitter of one module shares. */
export interface Context {
  readonly module: ModuleBuilder;
  readonly math: VectorMath;
  /** Address of the host scalars, f64 each. */
  readonly scalars: number;
  /** Address of what the codes of a byte stand for, f32 each. */
  readonly tables: (type: 'int8' | 'uint8') => number;
  /** Room for the code before the loops and in them, used again by every loop nest. */
  readonly drafts: { readonly before: Code; readonly inside: Code };
}
