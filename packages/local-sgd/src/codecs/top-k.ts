import { choice, type Floats, fixed, integer, type Precision, resolve, type Shape, size } from '@opt/core';
import { ContributionError } from '../errors.ts';
import { type Chunks, chunksOf, cosines } from './chunks.ts';
import { asTheyAre, type Codec, floats, precisionOf, type Sent, widthOf } from './codec.ts';
import { binsOption, rangeOption, statistics } from './table.ts';
import { checkFinite, fieldBytes, Reader, Writer } from './wire.ts';

export interface TopKOptions {
  /** ρ in (0, 1], default 0.1: the share of elements that is sent. */
  readonly keep?: number;
}

export interface ChunkedTopKOptions {
  /** C ≥ 1, default 64: an axis is cut into the largest equal lengths up to this one. */
  readonly chunkSize?: number;
  /** k ≥ 1, default 32: elements sent of each chunk. */
  readonly keepPerChunk?: number;
  /** 4 bytes a value (default), or a table for all of a tensor, see `table`. */
  readonly values?: 'full' | 'statistical';
  /** Of a table. */
  readonly bins?: number;
  readonly rangeInSigmas?: number;
  /** Vectors: k elements of chunks up to C (default), in proportion to square chunks of C², or everything. */
  readonly vectorKeep?: 'same' | 'proportional' | 'all';
  /** `'dct'`: the largest coefficients of each chunk's orthonormal DCT-II are sent. Default 'none'. */
  readonly transform?: 'none' | 'dct';
}

/**
 * The k = max(1, ⌊nρ⌋) largest elements in absolute value, of equal ones those of lower index, as they are: 8k bytes.
 *
 * Source: facebookresearch/MuLoCo, quantized_outer_sgd.py, TopKCompressor.
 *
 * @throws OptionTypeError · OptionRangeError, naming the option
 */
export function topK(options: TopKOptions = {}): Codec {
  const { keep } = resolve('topK', options, { keep: fixed(0.1, { rule: 'in (0, 1]', holds: (x) => x > 0 && x <= 1 }) });
  const kept = (shape: Shape): number => Math.max(1, Math.floor(size(shape) * keep));
  const bytes: Codec['bytes'] = (shape, precision = 'f32') => kept(shape) * (4 + widthOf(precision));
  return {
    name: 'topK',
    bytes,
    encode(x, shape) {
      checkFinite(x, 'encode');
      const positions = largest(x.length, kept(shape), (i) => x[i] ?? 0);
      const writer = new Writer(bytes(shape, precisionOf(x)), precisionOf(x));
      writer.fields(positions, 32);
      writer.numbers(positions.map((i) => x[i] ?? 0));
      return writer.bytes;
    },
    decode(given, shape, precision) {
      const reader = new Reader(given, bytes(shape, precision), precision);
      const positions = reader.fields(kept(shape), 32, size(shape));
      return { ...scattered(size(shape), positions, reader.numbers(positions.length), precision), positions };
    },
    restore: asTheyAre,
  };
}

/**
 * The k largest elements of every chunk: ⌈N·b_i/8⌉ bytes of positions and ⌈N·b_v/8⌉ of values, N sent values, b_i the bits of a position;
 * with a table 4(B+1) more. With `transform: 'dct'` the coordinates are those of the DCT (DeMo).
 *
 * Source: tplr-y/CCLoco, ccloco.py (SparseLoCo); Peng et al. 2024 (DeMo).
 *
 * @throws OptionTypeError · OptionRangeError, naming the option
 */
export function chunkedTopK(options: ChunkedTopKOptions = {}): Codec {
  const o = resolve('chunkedTopK', options, {
    chunkSize: integer(64),
    keepPerChunk: integer(32),
    values: choice('full', ['full', 'statistical']),
    bins: binsOption,
    rangeInSigmas: rangeOption,
    vectorKeep: choice('same', ['same', 'proportional', 'all']),
    transform: choice('none', ['none', 'dct']),
  });
  const quantizer = statistics(o.bins, o.rangeInSigmas);
  const valueBits = bitsBelow(o.bins);

  function layout(shape: Shape): { readonly chunks: Chunks; readonly keep: number; readonly sent: number; readonly bits: number } {
    const area = o.chunkSize ** 2;
    const proportional = o.vectorKeep === 'proportional' && shape.length < 2;
    const chunks = chunksOf(shape, o.chunkSize, proportional ? area : o.chunkSize);
    const wanted =
      shape.length < 2 && o.vectorKeep === 'all'
        ? chunks.length
        : proportional
          ? Math.max(1, Math.round((chunks.length * o.keepPerChunk) / area))
          : o.keepPerChunk;
    const keep = Math.min(wanted, chunks.length);
    return { chunks, keep, sent: keep * chunks.count, bits: Math.max(1, bitsBelow(chunks.length)) };
  }

  const bytes: Codec['bytes'] = (shape, precision = 'f32') => {
    const { sent, bits } = layout(shape);
    const width = widthOf(precision);
    return fieldBytes(sent, bits) + (o.values === 'full' ? sent * width : fieldBytes(sent, valueBits) + width * quantizer.numbers);
  };

  return {
    name: 'chunkedTopK',
    bytes,
    encode(x, shape) {
      checkFinite(x, 'encode');
      const { chunks, keep, sent, bits } = layout(shape);
      const coordinates = o.transform === 'dct' ? cosines(x, chunks, false) : x;
      const positions = new Uint32Array(sent);
      const values = floats(precisionOf(x), sent);
      for (let chunk = 0; chunk < chunks.count; chunk++) {
        const best = largest(chunks.length, keep, (i) => coordinates[chunks.at(chunk, i)] ?? 0);
        positions.set(best, chunk * keep);
        values.set(
          best.map((i) => coordinates[chunks.at(chunk, i)] ?? 0),
          chunk * keep,
        );
      }
      const writer = new Writer(bytes(shape, precisionOf(x)), precisionOf(x));
      writer.fields(positions, bits);
      if (o.values === 'full') writer.numbers(values);
      else {
        const { codes, numbers } = quantizer.quantize(values);
        writer.numbers(numbers);
        writer.fields(codes, valueBits);
      }
      return writer.bytes;
    },
    decode(given, shape, precision) {
      const { chunks, keep, sent, bits } = layout(shape);
      const reader = new Reader(given, bytes(shape, precision), precision);
      const positions = reader.fields(sent, bits, chunks.length);
      checkAscending(positions, keep);
      const values = o.values === 'full' ? reader.numbers(sent) : dequantized(reader, sent, precision);
      const places = positions.map((position, i) => chunks.at(Math.floor(i / keep), position));
      return { ...scattered(size(shape), places, values, precision), positions };
    },
    restore: (values, shape) => (o.transform === 'dct' ? cosines(values, layout(shape).chunks, true) : values),
  };

  function dequantized(reader: Reader, sent: number, precision: Precision): Floats {
    const numbers = reader.numbers(quantizer.numbers);
    const values = floats(precision, sent);
    reader.fields(sent, valueBits, o.bins).forEach((code, i) => {
      values[i] = quantizer.value(numbers, 0, code);
    });
    return values;
  }
}

/** How many bits tell `count` values apart. */
const bitsBelow = (count: number): number => (count <= 1 ? 0 : 32 - Math.clz32(count - 1));

/** The positions of the k largest absolute values of n, ascending. */
function largest(n: number, k: number, value: (i: number) => number): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  if (k >= n) return order;
  const size = Float64Array.from(order, (i) => Math.abs(value(i)));
  return order
    .sort((a, b) => (size[b] ?? 0) - (size[a] ?? 0) || a - b)
    .slice(0, k)
    .sort((a, b) => a - b);
}

/** @throws ContributionError where a chunk's positions repeat or run backwards */
function checkAscending(positions: Uint32Array, perChunk: number): void {
  positions.forEach((position, i) => {
    if (i % perChunk !== 0 && position <= (positions[i - 1] ?? 0))
      throw new ContributionError('malformed', `decode: expected positions that ascend, ${position} follows ${positions[i - 1]}`);
  });
}

/** @throws ContributionError for what was sent and is not finite, or twice */
function scattered(n: number, positions: Uint32Array, sentValues: Floats, precision: Precision): Sent {
  checkFinite(sentValues, 'decode');
  const values = floats(precision, n);
  const sent = new Uint8Array(n);
  positions.forEach((at, i) => {
    if (sent[at] === 1) throw new ContributionError('malformed', `decode: expected every position once, got ${at} twice`);
    sent[at] = 1;
    values[at] = sentValues[i] ?? 0;
  });
  return { values, sent };
}
