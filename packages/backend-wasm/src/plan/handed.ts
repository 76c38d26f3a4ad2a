import type { Kernel } from './fusion.ts';
import type { BlockPlan, Turn } from './planned.ts';
import type { Product } from './products.ts';
import type { Value } from './values.ts';

export type Producers = ReadonlyMap<Value, readonly Kernel[]>;

/** What cuts the kernels of a program into turns: without one, a program is a single turn, and nothing about cutting is bundled. */
export interface Cutting {
  turns(order: readonly Kernel[], producers: Producers): readonly Turn[];
}

/** A cutting that leaves some of the turns to somebody else. */
export interface Handing extends Cutting {
  /** What is handed over, turn by turn. */
  products(plan: BlockPlan): readonly (readonly Product[])[];
}
