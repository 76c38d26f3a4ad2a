import type { DType, Narrow } from './program.ts';

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

export const isNarrow = (dtype: DType | undefined): dtype is Narrow => narrowTypes.some((type) => type === dtype);

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
const nearest = 0x80000000;

/**
 * The code of a number. `random`, 32 bits, decides between the two neighbours, so that the mean of what is decoded is the number itself; exactly
 * that in bf16 and f16, and within a decade of a dynamic map. `keeps`: what is not 0 does not become 0.
 */
export function encoded(type: Narrow, x: number, random: number = nearest, keeps = false): number {
  const single = Math.fround(x);
  const negative = single < 0 ? 1 : 0;
  const magnitude = Number.isNaN(single) ? 0 : Math.min(Math.abs(single), largestCoded[type]);
  const least = keeps && magnitude > 0 ? 1 : 0;
  switch (type) {
    case 'bf16': {
      const kept = least === 1 ? Math.max(magnitude, 2 ** -126) : magnitude;
      return negative * 32_768 + ((bitsOf(kept) + (random >>> 16)) >>> 16);
    }
    case 'f16': {
      const code =
        magnitude < 2 ** -14
          ? Math.floor(Math.fround(magnitude * 2 ** 24) + unit(random))
          : (bitsOf(magnitude) - 0x38000000 + (random >>> 19)) >>> 13;
      return negative * 32_768 + Math.max(code, least);
    }
    case 'int8':
      return Math.max(mapped('int8', magnitude, unit(random)), least) + negative * 128;
    case 'uint8':
      return negative === 1 ? 0 : Math.max(mapped('uint8', magnitude, unit(random)), 2 * least);
  }
}

/** 24 bits as a number in [0, 1). */
const unit = (random: number): number => (random >>> 8) * 2 ** -24;

/** How a decade of a map is entered: from `from` on, code = ⌊2ᵉ + y·slope − start + u⌋ with u in [0, 1). */
export interface Decade {
  readonly from: number;
  readonly slope: number;
  readonly start: number;
}

/** The decades of a map, lowest first; below the first code, the numbers between it and 0 are a stretch of their own. */
export function decadesOf(type: 'int8' | 'uint8'): readonly Decade[] {
  const top = topDecade[type];
  const lowest = top - 6;
  const first = maps[type][2 ** lowest] ?? 1;
  const decades = Array.from({ length: 7 }, (_, i): Decade => {
    const e = lowest + i;
    const slope = (topMean(type) * 10 ** (top - e) * 2 ** e) / 0.9;
    return { from: i === 0 ? first : 10 ** (e - top - 1) / topMean(type), slope, start: 2 ** e / 9 + 0.5 - 2 ** e };
  });
  // One code up from 0: half of it and more is `first`, and code 1 of `uint8` is passed over.
  return [{ from: 0, slope: 1 / first, start: 1 - 2 ** lowest }, ...decades].map((decade) => ({
    from: Math.fround(decade.from),
    slope: Math.fround(decade.slope),
    start: Math.fround(decade.start),
  }));
}

const decades: Readonly<Record<'int8' | 'uint8', readonly Decade[]>> = { int8: decadesOf('int8'), uint8: decadesOf('uint8') };

function mapped(type: 'int8' | 'uint8', magnitude: number, u: number): number {
  let [slope, start] = [0, 0];
  for (const decade of decades[type]) if (magnitude >= decade.from) ({ slope, start } = decade);
  const code = Math.floor(Math.fround(Math.fround(Math.fround(magnitude * slope) - start) + u));
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

/** What sets the random bits of one slot apart from those of all others. */
export const roundingKey = (seed: number, stream: number): number => mixed(stream ^ mixed(seed + 0x9e3779b9));

/** The random bits of element i in one run: mixed(i·φ + mixed(key + call)). Cheap, so that rounding costs no more than what it rounds. */
export const roundingBits = (key: number, call: number, i: number): number => mixed((Math.imul(i, 0x9e3779b1) + mixed(key + call)) | 0);
