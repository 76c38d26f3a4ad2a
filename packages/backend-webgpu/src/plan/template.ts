import type { Abilities } from './abilities.ts';
import type { Value } from './value.ts';

/** What an expression asks of the plan around it. */
export interface Surroundings {
  /** Whether a value has memory of its own. */
  stored(value: Value): boolean;
  /** Notes that a value had better have memory of its own: the plan is then made anew. */
  request(value: Value): void;
  /** Whether one workgroup does everything, so that no kernel may wait at a barrier of its own. */
  readonly alone?: boolean;
  /** Operations it takes to compute a value from memory. */
  effort(value: Value): number;
  readonly abilities: Abilities;
}

/** Memory a shader reads or writes: element 0 is `offset` elements into `value`. */
export interface Slot {
  readonly value: Value;
  readonly offset: number;
  /** Whether every access is to the very element that a thread is about to write. */
  plain: boolean;
}

/** A position in a value: an expression in WGSL, and a constant that goes into the table of members. */
export interface Index {
  readonly text: string;
  readonly offset: number;
}

/** What `Template.host` gives as the number of this run, of all those of one scratch memory. */
export const runNumber = -1;

export const origin: Index = { text: '0u', offset: 0 };

/**
 * What several kernels can have in common: a text that names memory, host scalars and numbers by position only. Kernels of the same
 * text are members of one dispatch, each with a row of its own in a table.
 */
export class Template {
  readonly slots: Slot[] = [];
  /** Slots that several threads may write at once. */
  readonly shared: Set<number> = new Set<number>();
  /** Host scalars, by their index in the program. */
  readonly hosts: number[] = [];
  /** Numbers that differ from member to member. */
  readonly words: number[] = [];
  /** Functions of the library that the text calls. */
  readonly functions: Set<string> = new Set<string>();
  /** Extensions of WGSL that the text is written with. */
  readonly enables: Set<'subgroups' | 'f16'> = new Set<'subgroups' | 'f16'>();
  /** Values that the text computes. */
  readonly computed: Set<Value> = new Set<Value>();
  /** Set when the text turned out to read what the same dispatch writes elsewhere. */
  invalid = false;
  readonly around: Surroundings;

  constructor(around: Surroundings) {
    this.around = around;
  }

  /** The position of the slot for `value` from element `offset` on. */
  slot(value: Value, offset: number, plain: boolean): number {
    const at = this.slots.findIndex((slot) => slot.value === value && slot.offset === offset);
    const known = this.slots[at];
    if (known === undefined) return this.slots.push({ value, offset, plain }) - 1;
    known.plain &&= plain;
    return at;
  }

  host(index: number): string {
    const known = this.hosts.indexOf(index);
    return `h${known >= 0 ? known : this.hosts.push(index) - 1}`;
  }

  /** A number that is no part of the text. */
  word(value: number): string {
    return `w${this.words.push(value) - 1}`;
  }

  call(name: string, ...args: readonly string[]): string {
    this.functions.add(name);
    return `${name}(${args.join(', ')})`;
  }
}

/** A number as WGSL; what is not finite cannot be written as a constant. */
export function literal(template: Template, value: number): string {
  const single = Math.fround(value);
  if (Number.isFinite(single) && !Object.is(single, -0)) return single < 0 ? `(${single}f)` : `${single}f`;
  const bits = new Uint32Array(Float32Array.of(single).buffer)[0] ?? 0;
  return template.call('fromBits', `${bits}u`);
}
