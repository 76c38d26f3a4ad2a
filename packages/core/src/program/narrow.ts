import type { Narrow } from './program.ts';

/**
 * State in fewer bits. A narrow value is a code, an integer; what a code means, and which one a number gets:
 *
 * - `bf16`: the upper half of an f32, whose range it has, with 8 bits of precision.
 * - `f16`: IEEE's binary16: 11 bits. Held in blocks, whose largest |x| is brought to 2¹⁵, so that what is 2⁻³⁹ times that is still told from 0.
 * - `int8`, `uint8`: a dynamic map (Dettmers 2016; the 8-bit optimizers of bitsandbytes, Dettmers et al. 2022), held in blocks of which each
 *   keeps its largest |x|. With E = 6 (`int8`: a sign and 7 bits) or 7 (`uint8`: 8 bits, nothing below 0) and c = 2ᵉ + f, 0 ≤ f < 2ᵉ, the seven
 *   decades e = E − 6 … E, each with twice the codes of the one below, evenly:
 *
 *       value(c) = 10^(e−E) · (0.1 + 0.9·(f + ½)/2ᵉ) / top        value(0) = 0
 *
 *   `top`, the largest mean 0.1 + 0.9·(1 − ½/2ᴱ), makes the largest value 1, where the original map has a 1 of its own beside its means. `uint8`
 *   does not use code 1.
 *
 * What is beyond the range gets its end, NaN 0.
 */
export const narrowTypes: readonly Narrow[] = ['bf16', 'f16', 'int8', 'uint8'];

export const isNarrow = (type: string | undefined): type is Narrow => type !== undefined && Object.hasOwn(codeBytes, type);

/** Bytes of a code. */
export const codeBytes: Readonly<Record<Narrow, number>> = { bf16: 2, f16: 2, int8: 1, uint8: 1 };

/** The largest value of a code. */
export const largestCoded: Readonly<Record<Narrow, number>> = { bf16: (2 - 2 ** -7) * 2 ** 127, f16: 2 ** 15, int8: 1, uint8: 1 };

const word = new DataView(new ArrayBuffer(4));
const bitsOf = (x: number): number => {
  word.setFloat32(0, x);
  return word.getUint32(0);
};
const ofBits = (bits: number): number => {
  word.setUint32(0, bits);
  return word.getFloat32(0);
};

/** The decade of the largest codes. */
export const topDecade: Readonly<Record<'int8' | 'uint8', number>> = { int8: 6, uint8: 7 };

/** The largest mean of the map before it is brought to 1. */
const topMean = (type: 'int8' | 'uint8'): number => 0.1 + 0.9 * (1 - 0.5 / 2 ** topDecade[type]);

/** What the codes of a dynamic map mean, in f32: a sign is not among them. */
const maps: Readonly<Record<'int8' | 'uint8', Float32Array>> = { int8: mapOf('int8', 128), uint8: mapOf('uint8', 256) };

function mapOf(type: 'int8' | 'uint8', codes: number): Float32Array {
  const top = topDecade[type];
  return Float32Array.from({ length: codes }, (_, c) => {
    if (c < 2 ** (top - 6)) return 0;
    const e = Math.floor(Math.log2(c));
    return (10 ** (e - top) * (0.1 + (0.9 * (c - 2 ** e + 0.5)) / 2 ** e)) / topMean(type);
  });
}

/** The values of all 256 codes of a byte. */
export const byteValues = (type: 'int8' | 'uint8'): Float32Array => Float32Array.from({ length: 256 }, (_, code) => decoded(type, code));

/** The number that a code stands for. */
export function decoded(type: Narrow, code: number): number {
  switch (type) {
    case 'bf16':
      return ofBits(code * 65_536);
    case 'f16': {
      const magnitude = code % 32_768;
      const value = magnitude < 1024 ? magnitude * 2 ** -24 : ofBits(magnitude * 8192 + 0x38000000);
      return code < 32_768 ? value : -value;
    }
    case 'int8':
      return code < 128 ? (maps.int8[code] ?? 0) : -(maps.int8[code - 128] ?? 0);
    case 'uint8':
      return maps.uint8[code] ?? 0;
  }
}

/** In place of random bits: rounds to the nearest. */
const nearest = 0x8000;

/**
 * The code of a number. `random`, 16 bits, decides between the two neighbours, so that the mean of what is decoded is the number itself; in a
 * dynamic map within each decade, and but for its borders. `keeps`: what is above 0 does not become 0. (In bf16 no number does that is told from
 * 0 everywhere: it has the range of f32.)
 */
export function encoded(type: Narrow, x: number, random: number = nearest, keeps = false): number {
  const single = Math.fround(x);
  const negative = single < 0 ? 1 : 0;
  const magnitude = Number.isNaN(single) ? 0 : Math.min(Math.abs(single), largestCoded[type]);
  const least = keeps && single > 0 ? 1 : 0;
  switch (type) {
    case 'bf16':
      return negative * 32_768 + ((bitsOf(magnitude) + random) >>> 16);
    case 'f16': {
      const code =
        magnitude < 2 ** -14
          ? Math.floor(Math.fround(magnitude * 2 ** 24) + (random >>> 3) * 2 ** -13)
          : (bitsOf(magnitude) - 0x38000000 + (random >>> 3)) >>> 13;
      return negative * 32_768 + Math.max(code, least);
    }
    case 'int8':
      return Math.max(mapped('int8', magnitude, random), least) + negative * 128;
    case 'uint8':
      return negative === 1 ? 0 : Math.max(mapped('uint8', magnitude, random), 2 * least);
  }
}

/** A stretch of a dynamic map: code = y·slope + start, rounded. */
export interface Stretch {
  readonly slope: number;
  readonly start: number;
}

/**
 * The codes of a map as a function of what they stand for, a line for each decade and one from 0 to the first code. Each is flatter than the one
 * before, and the next begins where it ends: so the least of all lines is the one that holds.
 */
export function stretchesOf(type: 'int8' | 'uint8'): readonly Stretch[] {
  const top = topDecade[type];
  const lowest = top - 6;
  const decades = Array.from({ length: 7 }, (_, i): Stretch => {
    const e = lowest + i;
    return { slope: (topMean(type) * 10 ** (top - e) * 2 ** e) / 0.9, start: 2 ** e - 2 ** e / 9 - 0.5 };
  });
  const first = maps[type][2 ** lowest] ?? 1;
  // Code 1 of `uint8` is passed over.
  return [{ slope: 1 / first, start: 2 ** lowest - 1 }, ...decades].map(({ slope, start }) => ({
    slope: Math.fround(slope),
    start: Math.fround(start),
  }));
}

const stretches: Readonly<Record<'int8' | 'uint8', readonly Stretch[]>> = { int8: stretchesOf('int8'), uint8: stretchesOf('uint8') };

function mapped(type: 'int8' | 'uint8', magnitude: number, random: number): number {
  let at = Infinity;
  for (const { slope, start } of stretches[type]) at = Math.min(at, Math.fround(Math.fround(magnitude * slope) + start));
  const code = Math.floor(Math.fround(at + random * 2 ** -16));
  const lowest = 2 ** (topDecade[type] - 6);
  return code < lowest ? 0 : Math.min(code, 2 ** (topDecade[type] + 1) - 1);
}

/** Spreads a word over all its bits (MurmurHash3's finalizer). */
export function mixed(text: number): number {
  let h = text;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** What sets the random bits of one pair of slots apart from those of all others. */
export const roundingKey = (seed: number, stream: number): number => mixed(stream ^ mixed(seed + 0x9e3779b9));

/**
 * 16 random bits for element i in one run, the upper or the lower half of a word: h = i·φ + mixed(key + call), h ← (h ⊕ h≫16)·c, h ⊕ h≫15.
 * The start is as good as `mixed` is, so each element is rounded without bias; from one element to the next, little is needed, and little is
 * done, since this costs as much as the rest of rounding.
 */
export function roundingBits(key: number, call: number, i: number, half: 0 | 1): number {
  const start = Math.imul(i, 0x9e3779b1) + mixed(key + call);
  const h = Math.imul((start | 0) ^ (start >>> 16), 0x7feb352d);
  const word = h ^ (h >>> 15);
  return half === 0 ? word >>> 16 : word & 0xffff;
}
