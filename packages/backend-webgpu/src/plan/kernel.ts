import type { Template } from './template.ts';
import type { Value } from './value.ts';

/** Where the elements of a root go, if not simply one after the other: to a row picked at run time, or into a part of the target. */
export type Placing =
  | { readonly kind: 'row'; readonly index: Value; readonly rows: number }
  | { readonly kind: 'part'; readonly offset: number; readonly run: number; readonly step: number };

/** What a kernel leaves behind: the elements of `source`, in the memory of `into`. */
export interface Root {
  readonly source: Value;
  readonly into: Value;
  readonly placing: Placing | undefined;
}

/** What a kernel does before its roots are computed: nothing, or work that gives the roots one number per element. */
export type Core =
  | { readonly kind: 'map' }
  | { readonly kind: 'reduce' | 'product' | 'argsort'; readonly value: Value }
  /** One of the conditions that raise a flag. */
  | { readonly kind: 'any'; readonly value: Value; readonly condition: Value }
  | { readonly kind: 'factorization' | 'loop'; readonly value: Value };

/** A shader that several kernels may share, and what one kernel puts into the table. */
export interface KernelText {
  readonly template: Template;
  /** The shader without its bindings; equal texts may be one dispatch. */
  readonly text: string;
  readonly workgroupSize: number;
  /** Workgroups of this kernel alone. */
  readonly workgroups: number;
  /** Elements, or whatever `count` means in the text. */
  readonly count: number;
  /** Bytes between memory and processor, every element a kernel needs of a tensor counted once. */
  readonly bytes: number;
  /** Whether the text waits at barriers, and so must read a stop flag as one. */
  readonly barriers: boolean;
}

export interface Kernel {
  readonly id: number;
  readonly core: Core;
  roots: readonly Root[];
  /** Undefined for work that is no shader of this compiler's. */
  text: KernelText | undefined;
  /** Values read from memory. */
  reads: ReadonlySet<Value>;
  /** Kernels that must come before, apart from the producers of what is read. */
  readonly after: Set<Kernel>;
}

/** Elements the roots run over. */
export const sizeOf = ({ core, roots }: Kernel): number => (core.kind === 'map' ? (roots[0]?.source.size ?? 1) : core.value.size);

/** Slots that are written come first, one per root, then the others. */
export const writtenBy = ({ core, roots }: Kernel): readonly Value[] =>
  core.kind === 'map' || core.kind === 'reduce' || core.kind === 'product' ? roots.map(({ into }) => into) : [core.value];
