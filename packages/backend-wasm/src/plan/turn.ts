import type { BlockPlan } from './block-plan.ts';
import type { Kernel } from './fusion.ts';
import type { Product } from './products.ts';
import type { Value } from './values.ts';

/** A stretch of kernels: run here one after the other, or handed over together. */
export interface Turn {
  readonly kernels: readonly Kernel[];
  readonly handed: boolean;
}

export type Producers = ReadonlyMap<Value, readonly Kernel[]>;

/** What cuts the kernels of a program into turns: without one, a program is a single turn, and nothing about cutting is bundled. */
export interface Handing {
  turns(order: readonly Kernel[], producers: Producers): readonly Turn[];
  /** What is handed over, turn by turn. */
  products(plan: BlockPlan): readonly (readonly Product[])[];
}
