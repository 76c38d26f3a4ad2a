import { type Floats, OptionRangeError, OptionTypeError, type Shape, size } from '@opt/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunkedTopK, f16, linear, none, roundTrip, table, topK } from '../index.ts';

const codecs = [
  none(),
  f16(),
  table(),
  table({ bins: 5, per: 'row' }),
  linear({ bins: 16 }),
  linear({ bins: 3, per: 'row' }),
  topK({ keep: 0.3 }),
  chunkedTopK({ chunkSize: 4, keepPerChunk: 3 }),
  chunkedTopK({ chunkSize: 5, keepPerChunk: 2, values: 'statistical', bins: 9, vectorKeep: 'all' }),
  chunkedTopK({ chunkSize: 4, keepPerChunk: 5, transform: 'dct', vectorKeep: 'proportional' }),
];
const shapes: readonly Shape[] = [[], [1], [7], [12], [3, 5], [8, 12], [1, 6], [6, 1], [2, 3, 4]];

const values = (shape: Shape, seed = 1): Float32Array => Float32Array.from({ length: size(shape) }, (_, i) => Math.sin(seed + 1.7 * i * i));

describe.each(codecs.map((codec) => ({ name: codec.name, codec })))('$name', ({ codec }) => {
  it.each(shapes.map((shape) => ({ shape })))('takes the bytes it says and goes on decoding to the same, shape [$shape]', ({ shape }) => {
    for (const x of [values(shape), Float64Array.from(values(shape, 2))]) {
      const precision = x instanceof Float64Array ? 'f64' : 'f32';
      const bytes = codec.encode(x, shape);
      expect(bytes.length).toBe(codec.bytes(shape, precision));
      const sent = codec.decode(bytes, shape, precision);
      expect(sent.values.constructor).toBe(x.constructor);
      expect(codec.decode(bytes.slice(), shape, precision)).toEqual(sent);
    }
  });

  it('refuses NaN, infinity and bytes of another length', () => {
    for (const bad of [Number.NaN, Infinity])
      expect(() => codec.encode(Float32Array.of(1, bad, 0), [3])).toThrow(/^encode: expected finite/);
    const bytes = codec.encode(values([6]), [6]);
    expect(() => codec.decode(bytes.subarray(1), [6], 'f32')).toThrow(/^decode: expected \d+ bytes, got \d+$/);
  });

  it('of any bytes either makes finite values or says what is wrong with them', () => {
    fc.assert(
      fc.property(fc.constantFrom(...shapes), fc.infiniteStream(fc.nat(255)), (shape, stream) => {
        const bytes = Uint8Array.from({ length: codec.bytes(shape) }, () => stream.next().value ?? 0);
        try {
          return codec.decode(bytes, shape, 'f32').values.every(Number.isFinite);
        } catch (error) {
          return error instanceof Error && error.name === 'ContributionError';
        }
      }),
      { numRuns: 200, seed: 18 },
    );
  });
});

describe('f16', () => {
  it('is IEEE half precision, half to even', () => {
    const exact = [0, 1, -2, 0.5, 65504, 2 ** -24, 2 ** -14, 1 + 2 ** -10, 0.333251953125];
    const rounded: readonly (readonly [number, number])[] = [
      [1 + 2 ** -11, 1],
      [1 + 3 * 2 ** -11, 1 + 2 ** -9],
      [2 ** -25, 0],
      [3 * 2 ** -25, 2 ** -23],
      [1e6, 65504],
      [-65519, -65504],
      [2047.6, 2048],
      [1 / 3, 0.333251953125],
      [2 ** -14 - 2 ** -26, 2 ** -14],
    ];
    const x = Float64Array.from([...exact, ...rounded.map(([from]) => from)]);
    expect([...roundTrip(f16(), x, [x.length])]).toEqual([...exact, ...rounded.map(([, to]) => to)]);
  });
});

describe('table', () => {
  it('keeps the mean, and f32 tables decode to what the sender made of them', () => {
    const x = values([40, 30]);
    const decoded: Floats = roundTrip(table({ bins: 16 }), x, [40, 30]);
    const mean = (of: Floats): number => Array.from(of).reduce((a, b) => a + b, 0) / of.length;
    expect(mean(decoded)).toBeCloseTo(mean(x), 7);
    expect(new Set(decoded).size).toBeLessThanOrEqual(16);
  });
});

describe('options', () => {
  it('are refused by name', () => {
    expect(() => table({ bins: 300 })).toThrow(new OptionRangeError('table: bins must be an integer in 2..256, received 300'));
    expect(() => topK({ keep: 0 })).toThrow(new OptionRangeError('topK: keep must be in (0, 1], received 0'));
    expect(() => chunkedTopK({ chunkSize: 1.5 })).toThrow(OptionRangeError);
    // @ts-expect-error: no such choice.
    expect(() => linear({ per: 'column' })).toThrow(new OptionTypeError("linear: per must be 'tensor' or 'row', received 'column'"));
    // @ts-expect-error: no such option.
    expect(() => table({ bits: 4 })).toThrow("table: unknown option 'bits'");
  });
});
