import type { Kernel } from './fusion.ts';
import type { Region } from './region.ts';
import type { Value } from './values.ts';

/** A stretch of kernels: run here one after the other or at the same time, or handed over together. */
export interface Turn {
  readonly kernels: readonly Kernel[];
  readonly handed: boolean;
  /** Whether they may run at the same time, each on a thread or on several. */
  readonly together?: boolean;
}

/** The inside of a loop. */
export interface LoopPlan {
  readonly carry: readonly Region[];
  readonly body: BlockPlan;
  readonly until: BlockPlan | undefined;
  readonly flag: Region;
}

/** A block made concrete: kernels in order, the memory of every value, and the copies that end it. */
export interface BlockPlan {
  /** Kernels in order, in stretches; one stretch where none are handed to somebody else. */
  readonly turns: readonly Turn[];
  /** Where a value lies; only for values that have memory. */
  home(value: Value): Region;
  /** The same for a value that may be a piece of another one. */
  place(value: Value): Region;
  /** Memory that a kernel needs while it runs. */
  scratch(kernel: Kernel): Region;
  loop(value: Value): LoopPlan;
  readonly copies: readonly { readonly from: Region; readonly to: Region }[];
  /** All scratch of the block; `bytes` long. */
  readonly arena: Region;
  readonly bytes: number;
  /** Scratch that every thread needs for itself. */
  readonly own: number;
}
