import type { Distribution } from '../program/program.ts';
import type { Shape } from '../program/shape.ts';

/**
 * How a slot moves when the basis underneath changes by C:
 * `vector` x → C x · `diagonal` (of a matrix) v → (C∘C) v · `matrix` M → C M Cᵀ · `cubic` → (C∘C∘C) x · `invariant` stays.
 */
export type Kind = 'vector' | 'diagonal' | 'matrix' | 'cubic' | 'invariant';

/**
 * What a slot starts from: a number; the identity matrix, or that times a number; the parameter, as construction left it; or random numbers of
 * the optimizer's seed, times `scale` (default 1).
 */
export type Start =
  | number
  | 'identity'
  | { readonly identity: number }
  | 'parameter'
  | { readonly draw: Distribution; readonly scale?: number };

/**
 * State in fewer bits: `bf16`, 2 bytes; `f16` and `int8`, 2 bytes and 1, and a scale for each 256 elements. What is written is rounded up or
 * down at random, by the optimizer's seed, so that small changes are not lost but come about as often as they are large.
 */
export type StateDtype = 'bf16' | 'f16' | 'int8';

/** One declared piece of state. */
export interface Slot {
  readonly shape: Shape;
  readonly kind: Kind;
  /** `wide` is f64 where the backend has it; a narrow one is how it is held, not how it is computed with. */
  readonly dtype?: 'working' | 'wide' | StateDtype;
  /** What it holds before the first step, default 0. */
  readonly init?: Start;
  /** Equal to its transpose at all times: products of it need half the work. */
  readonly symmetric?: boolean;
  /** The parameters it joins, in order; said by `concatenated`. */
  readonly joins?: Readonly<Record<string, Shape>>;
  /** No element is ever beyond ±within: what is written is kept inside. Only for values that are finite by themselves. */
  readonly within?: number;
  /** No element is ever below 0: what is written to narrow state is kept there. Of second moments, which then have one more bit. */
  readonly nonNegative?: boolean;
  /** A count that only a device keeps which drops runs by itself: of this stage's runs that took effect, or of those that did not. */
  readonly counts?: 'taken' | 'dropped';
}
