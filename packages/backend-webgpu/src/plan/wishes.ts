import type { Precedence } from '@opt/core';
import type { Abilities } from './abilities.ts';
import type { Kernel } from './kernel.ts';
import type { Value } from './value.ts';

export interface Fused {
  readonly kernels: readonly Kernel[];
  readonly producers: ReadonlyMap<Value, readonly Kernel[]>;
  readonly precedence: Precedence<Value, Kernel>;
}

/** What the plan of a block knows before its work is grouped. */
export interface Wishes {
  /** Values wanted in memory of their own. */
  readonly targets: ReadonlySet<Value>;
  /** Values made by setting a row in place. */
  readonly rows: ReadonlySet<Value>;
  /** Values that get a kernel of their own. */
  readonly apart: ReadonlySet<Value>;
  /** Whether one workgroup does everything. */
  readonly alone: boolean;
  /** Most storage buffers a shader can bind, and which buffer a value lies in where that is settled. */
  readonly bindings: number;
  buffer(value: Value): unknown;
  readonly abilities: Abilities;
}
