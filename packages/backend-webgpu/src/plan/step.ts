import type { Abilities } from './abilities.ts';
import type { KernelText } from './kernel.ts';
import type { Region } from './region.ts';
import type { Value } from './value.ts';

/** The memory of an input or a loop parameter. */
export type Source = (
  operation: { readonly op: 'input'; readonly key: string } | { readonly op: 'parameter'; readonly index: number },
) => Region;

/** What limits a plan. */
export interface Bounds {
  readonly bindings: number;
  readonly alignment: number;
  /** Most bytes of one binding. */
  readonly chunk: number;
  readonly abilities: Abilities;
  /** Sizes in bytes of the scratch a factorisation of `batch` matrices needs. */
  scratch(value: Value, batch: number): readonly number[];
}

/** A shader's share in a dispatch: where its slots are. Offsets in elements. */
export interface Member {
  readonly text: KernelText;
  readonly slots: readonly { readonly region: Region; readonly offset: number }[];
}

export type Step =
  | { readonly kind: 'shader'; readonly members: readonly Member[] }
  | {
      readonly kind: 'factorization';
      readonly value: Value;
      readonly batch: number;
      readonly inputs: readonly Region[];
      readonly output: Region;
      readonly scratch: readonly Region[];
    }
  | {
      readonly kind: 'loop';
      readonly times: number;
      readonly until: BlockPlan | undefined;
      readonly body: BlockPlan;
      readonly ended: Region;
      /** Whether one workgroup does the whole loop. */
      readonly alone: boolean;
    };

/** A block made concrete: what is done, in order, and how much scratch it takes. */
export interface BlockPlan {
  readonly steps: readonly Step[];
  /** All scratch of the block. */
  readonly arena: Region;
  readonly bytes: number;
  /** Words that say in which run they were raised last. */
  readonly flags: number;
}
