import { type Floats, fixed, integer, message, OptionRangeError, OptionTypeError, resolve } from '@opt/core';

export interface StreamingOptions {
  /** Disjoint lists of names that cover all parameters; default one, of all. One is synchronised at a time, in turn. */
  readonly fragments?: readonly (readonly string[])[] | null;
  /** Inner steps in which each fragment is synchronised once: a multiple of the number of fragments; default 30. */
  readonly syncEvery?: number;
  /** τ: steps between sending and receiving, 0 ≤ τ < syncEvery/fragments, default 0. */
  readonly delay?: number;
  /** α in [0, 1], default 0: 0 takes the common parameters, 1 keeps one's own. */
  readonly merge?: number;
}

export interface Streaming {
  readonly fragments: readonly (readonly string[])[];
  readonly every: number;
  readonly delay: number;
  readonly merge: number;
}

/** Reads these options for parameters of these names. @throws OptionTypeError · OptionRangeError, naming the option */
export function streaming(rule: string, names: readonly string[], options: StreamingOptions): Streaming {
  const { fragments, ...o } = resolve(rule, options, {
    fragments: (value) => cut(rule, names, value),
    syncEvery: integer(30),
    delay: integer(0, 0),
    merge: fixed(0, { rule: 'in [0, 1]', holds: (x) => x >= 0 && x <= 1 }),
  });
  const every = o.syncEvery / fragments.length;
  if (!Number.isInteger(every))
    throw new OptionRangeError(message(rule, 'syncEvery', `a multiple of the ${fragments.length} fragments`, o.syncEvery));
  if (o.delay >= every) throw new OptionRangeError(message(rule, 'delay', `below syncEvery/fragments, ${every}`, o.delay));
  return { fragments, every, delay: o.delay, merge: o.merge };
}

function cut(rule: string, names: readonly string[], value: unknown): readonly (readonly string[])[] {
  if (value === undefined || value === null) return [names];
  const lists: readonly unknown[] = Array.isArray(value) ? value : [];
  const fragments = lists.map((list) => (isNames(list) ? list : []));
  const told = [...fragments.flat()].sort();
  const known = [...names].sort();
  if (fragments.some((list) => list.length === 0) || told.length !== known.length || told.some((name, i) => name !== known[i]))
    throw new OptionTypeError(message(rule, 'fragments', `lists that hold every parameter once (${known.join(', ')})`, value));
  return fragments;
}

const isNames = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every((one) => typeof one === 'string');

/**
 * Which fragment is sent and received when (streaming DiLoCo, Douillard et al. 2025): after each inner step s ← s + 1; at s = P − τ
 * fragment c mod F is sent, at s = P it is received, s ← 0, and c ← c + 1 unless that failed.
 *
 * Source: pytorch/torchft, local_sgd.py.
 */
export class Turns {
  /** Inner steps since the last receive. */
  steps = 0;
  /** Fragments received so far. */
  received = 0;
  private readonly streaming: Streaming;

  constructor(streaming: Streaming) {
    this.streaming = streaming;
  }

  get fragment(): number {
    return this.received % this.streaming.fragments.length;
  }

  /** After an inner step: what is due. */
  advance(): { readonly send: boolean; readonly receive: boolean } {
    const { every, delay } = this.streaming;
    this.steps++;
    return { send: this.steps === every - delay, receive: this.steps >= every };
  }

  /** Goes on after so many received fragments, and inner steps. */
  resume(received: number, steps = 0): void {
    [this.received, this.steps] = [received, steps];
  }

  over(succeeded: boolean): void {
    this.steps = 0;
    if (succeeded) this.received++;
  }
}

/** a + α(ℓ − a): between the common parameters and one's own. */
export function merged(common: Floats, local: Floats, alpha: number): Floats {
  return common.map((a, i) => a + alpha * ((local[i] ?? 0) - a));
}

/** Δ = a − θ, from where the worker is now back to what all have in common. */
export function pseudoGradient(common: Floats, local: Floats): Floats {
  return common.map((a, i) => a - (local[i] ?? 0));
}
