import type { Floats, Precision, Shape } from '@opt/core';

/** What came out of bytes: values in the codec's own coordinates, and which of them were sent at all, where not all were. */
export interface Sent {
  readonly values: Floats;
  /** 1 where a value was sent; absent: everywhere. */
  readonly sent?: Uint8Array;
  /** Where the values sent stand, as the codec writes it: in the tensor, or in each chunk after the other. */
  readonly positions?: Uint32Array;
  /** The bins as they are packed. */
  readonly packed?: Uint8Array;
}

/**
 * How a tensor becomes few bytes and back. Every replica decodes the same bytes, so that all work is done on the host, in the same order
 * everywhere; numbers are stored in the precision of what was encoded.
 */
export interface Codec {
  readonly name: string;
  /** How many bytes a tensor of this shape takes. */
  bytes(shape: Shape, precision?: Precision): number;
  /** @throws ContributionError for NaN and infinity, which a table would spread */
  encode(x: Floats, shape: Shape): Uint8Array;
  /** @throws ContributionError for bytes that `encode` cannot have written */
  decode(bytes: Uint8Array, shape: Shape, precision: Precision): Sent;
  /** From the codec's coordinates to those of the tensor. */
  restore(values: Floats, shape: Shape): Floats;
}

/** What a receiver makes of x: restore(decode(encode(x))). */
export function roundTrip(codec: Codec, x: Floats, shape: Shape): Floats {
  return codec.restore(codec.decode(codec.encode(x, shape), shape, precisionOf(x)).values, shape);
}

export const precisionOf = (x: Floats): Precision => (x instanceof Float64Array ? 'f64' : 'f32');
export const widthOf = (precision: Precision): number => (precision === 'f64' ? 8 : 4);
export const floats = (precision: Precision, length: number): Floats =>
  precision === 'f64' ? new Float64Array(length) : new Float32Array(length);

/** Of the values themselves. */
export const asTheyAre = (values: Floats): Floats => values;
