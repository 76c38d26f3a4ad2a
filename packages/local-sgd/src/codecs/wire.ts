import type { Floats, Precision } from '@opt/core';
import { ContributionError } from '../errors.ts';
import { floats, widthOf } from './codec.ts';

/** Writes numbers and fields of bits one after the other, little-endian; numbers in the given precision. */
export class Writer {
  readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly precision: Precision;
  private at = 0;

  constructor(length: number, precision: Precision) {
    this.bytes = new Uint8Array(length);
    this.view = new DataView(this.bytes.buffer);
    this.precision = precision;
  }

  numbers(values: ArrayLike<number>): void {
    for (let i = 0; i < values.length; i++) {
      if (this.precision === 'f64') this.view.setFloat64(this.at, values[i] ?? 0, true);
      else this.view.setFloat32(this.at, values[i] ?? 0, true);
      this.at += widthOf(this.precision);
    }
  }

  /** Value i goes to bits [i·width, (i+1)·width), the lowest bit of a byte first; the last byte is padded with zeros. */
  fields(values: ArrayLike<number>, width: number): void {
    if (8 % width === 0) this.within(values, width);
    else this.across(values, width);
  }

  private across(values: ArrayLike<number>, width: number): void {
    for (let i = 0; i < values.length; i++) {
      const value = values[i] ?? 0;
      for (let bit = 0, to = i * width; bit < width; ) {
        const [inside, left] = [to % 8, width - bit];
        const taken = Math.min(8 - inside, left);
        const index = this.at + Math.floor(to / 8);
        this.bytes[index] = (this.bytes[index] ?? 0) | (((value >>> bit) & ((1 << taken) - 1)) << inside);
        bit += taken;
        to += taken;
      }
    }
    this.at += Math.ceil((values.length * width) / 8);
  }

  /** The same for fields that do not reach beyond a byte. */
  private within(values: ArrayLike<number>, width: number): void {
    const each = 8 / width;
    for (let i = 0; i < values.length; this.at++) {
      let byte = 0;
      for (let k = 0; k < each && i < values.length; k++, i++) byte |= (values[i] ?? 0) << (k * width);
      this.bytes[this.at] = byte;
    }
  }
}

/** Reads what a `Writer` wrote. */
export class Reader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly precision: Precision;
  private at = 0;

  /** @throws ContributionError where there are not exactly `length` bytes */
  constructor(bytes: Uint8Array, length: number, precision: Precision) {
    if (bytes.length !== length) throw new ContributionError('size', `decode: expected ${length} bytes, got ${bytes.length}`);
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.precision = precision;
  }

  numbers(length: number): Floats {
    const values = floats(this.precision, length);
    for (let i = 0; i < length; i++) {
      values[i] = this.precision === 'f64' ? this.view.getFloat64(this.at, true) : this.view.getFloat32(this.at, true);
      this.at += widthOf(this.precision);
    }
    return values;
  }

  /** @throws ContributionError for a value of `below` or more */
  fields(length: number, width: number, below: number): Uint32Array {
    const values = 8 % width === 0 ? this.within(length, width) : this.across(length, width);
    for (let i = 0; i < length; i++)
      if ((values[i] ?? 0) >= below)
        throw new ContributionError('malformed', `decode: expected fields below ${below}, field ${i} is ${values[i]}`);
    this.at += Math.ceil((length * width) / 8);
    return values;
  }

  /** Of fields that do not reach beyond a byte. */
  private within(length: number, width: number): Uint32Array {
    const [each, mask] = [8 / width, (1 << width) - 1];
    const values = new Uint32Array(length);
    for (let i = 0, at = this.at; i < length; at++) {
      const byte = this.bytes[at] ?? 0;
      for (let k = 0; k < each && i < length; k++, i++) values[i] = (byte >>> (k * width)) & mask;
    }
    return values;
  }

  private across(length: number, width: number): Uint32Array {
    const values = new Uint32Array(length);
    for (let i = 0; i < length; i++) {
      let value = 0;
      for (let bit = 0, from = i * width; bit < width; ) {
        const [inside, left] = [from % 8, width - bit];
        const taken = Math.min(8 - inside, left);
        value |= (((this.bytes[this.at + Math.floor(from / 8)] ?? 0) >>> inside) & ((1 << taken) - 1)) << bit;
        bit += taken;
        from += taken;
      }
      values[i] = value >>> 0;
    }
    return values;
  }
}

/** Bytes of n fields. */
export const fieldBytes = (n: number, width: number): number => Math.ceil((n * width) / 8);

/** To an integer, half to even. */
export function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

/** @throws ContributionError for NaN and infinity */
export function checkFinite(x: Floats, what: string): void {
  for (let i = 0; i < x.length; i++)
    if (!Number.isFinite(x[i])) throw new ContributionError('not finite', `${what}: expected finite values, element ${i} is ${x[i]}`);
}
