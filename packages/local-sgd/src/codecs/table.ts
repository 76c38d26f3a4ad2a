import { choice, type Floats, fixed, type Option, resolve, type Shape, size } from '@opt/core';
import { asTheyAre, type Codec, floats, precisionOf, widthOf } from './codec.ts';
import { checkFinite, fieldBytes, Reader, roundHalfEven, Writer } from './wire.ts';

export interface TableOptions {
  /** B, integer in 2..256, default 256: how many values a number can become. */
  readonly bins?: number;
  /** R > 0, default 6: the bins cover R standard deviations; what is beyond falls into the last. */
  readonly rangeInSigmas?: number;
  /** One table for the tensor (default) or for each of its rows, which near B elements a row costs more than it saves. */
  readonly per?: 'tensor' | 'row';
}

export interface LinearOptions {
  /** B, integer in 2..256, default 256. */
  readonly bins?: number;
  /** One range for the tensor (default) or for each of its rows. */
  readonly per?: 'tensor' | 'row';
}

export const binsOption: Option<number> = fixed(256, {
  rule: 'an integer in 2..256',
  holds: (x) => Number.isInteger(x) && x >= 2 && x <= 256,
});
export const rangeOption: Option<number> = fixed(6, { rule: 'a finite number > 0', holds: (x) => Number.isFinite(x) && x > 0 });

/** 1, 2, 4 or 8: the smallest that tells `bins` values apart. */
const bitsOf = (bins: number): number => [1, 2, 4].find((bits) => 2 ** bits >= bins) ?? 8;

/** What a group of numbers (a tensor, a row) becomes: which bin each is in, and the numbers that say what bins mean. */
interface Quantizer {
  readonly numbers: number;
  quantize(x: Floats): { readonly codes: Uint8Array; readonly numbers: Float64Array };
  value(numbers: Floats, at: number, code: number): number;
}

/**
 * Bins around the mean, each decoded as the mean of what fell into it, so that the decoded tensor has the mean of x:
 * s = mean x, c = x − s, σ² = Σc²/(n−1), q = clamp(round(cB/(Rσ) + ⌊B/2⌋), 0, B−1), table_j = mean of c where q = j; decoded = table_q + s.
 */
export const statistics = (bins: number, range: number): Quantizer => ({
  numbers: bins + 1,
  quantize(x) {
    const n = x.length;
    const s = sum(x, (one) => one) / n;
    const sigma = n > 1 ? Math.sqrt(sum(x, (one) => (one - s) ** 2) / (n - 1)) : 0;
    const wanted = (range * sigma) / bins;
    const scale = wanted === 0 || !Number.isFinite(wanted) ? 1 : wanted;
    const codes = Uint8Array.from(x, (one) => clamp(roundHalfEven((one - s) / scale + Math.floor(bins / 2)), bins));
    const numbers = new Float64Array(bins + 1);
    const counts = new Float64Array(bins);
    codes.forEach((code, i) => {
      counts[code] = (counts[code] ?? 0) + 1;
      numbers[code + 1] = (numbers[code + 1] ?? 0) + (x[i] ?? 0) - s;
    });
    counts.forEach((count, code) => {
      if (count > 0) numbers[code + 1] = (numbers[code + 1] ?? 0) / count;
    });
    numbers[0] = s;
    return { codes, numbers };
  },
  value: (numbers, at, code) => (numbers[at + 1 + code] ?? 0) + (numbers[at] ?? 0),
});

/** Equal steps between the smallest and the largest: lo = min x, scale = (max x − lo)/(B−1), q = round((x−lo)/scale); decoded = q·scale + lo. */
const steps = (bins: number): Quantizer => ({
  numbers: 2,
  quantize(x) {
    let [lo, hi] = [Infinity, -Infinity];
    for (let i = 0; i < x.length; i++) [lo, hi] = [Math.min(lo, x[i] ?? lo), Math.max(hi, x[i] ?? hi)];
    const wanted = (hi - lo) / (bins - 1);
    const scale = wanted === 0 ? 1 : wanted;
    return { codes: Uint8Array.from(x, (one) => clamp(roundHalfEven((one - lo) / scale), bins)), numbers: Float64Array.of(lo, scale) };
  },
  value: (numbers, at, code) => code * (numbers[at + 1] ?? 0) + (numbers[at] ?? 0),
});

const clamp = (q: number, bins: number): number => Math.max(0, Math.min(bins - 1, q));

function sum(x: Floats, f: (one: number) => number): number {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += f(x[i] ?? 0);
  return total;
}

/**
 * An n-bit table: ⌈n·b/8⌉ bytes of bins and 4(B+1) of table, b = 1, 2, 4 or 8 bits; with `per: 'row'` a table a row (a row is all but the
 * first axis; a vector is one row).
 *
 * Source: facebookresearch/MuLoCo, quantized_outer_sgd.py, QuantizationCompressor and BatchedRowiseQuantizationCompressor.
 *
 * @throws OptionTypeError · OptionRangeError, naming the option
 */
export function table(options: TableOptions = {}): Codec {
  const { bins, rangeInSigmas, per } = resolve('table', options, {
    bins: binsOption,
    rangeInSigmas: rangeOption,
    per: choice('tensor', ['tensor', 'row']),
  });
  return quantized('table', statistics(bins, rangeInSigmas), bins, per);
}

/**
 * Equal steps between the smallest and the largest value: ⌈n·b/8⌉ + 8 bytes, or 8 a row. What it decodes to is off by half a step at most.
 *
 * Source: facebookresearch/MuLoCo, quantized_outer_sgd.py, LinearQuantizationCompressor and its row-wise form.
 *
 * @throws OptionTypeError · OptionRangeError, naming the option
 */
export function linear(options: LinearOptions = {}): Codec {
  const { bins, per } = resolve('linear', options, { bins: binsOption, per: choice('tensor', ['tensor', 'row']) });
  return quantized('linear', steps(bins), bins, per);
}

function quantized(name: string, quantizer: Quantizer, bins: number, per: 'tensor' | 'row'): Codec {
  const bits = bitsOf(bins);
  const rowsOf = (shape: Shape): number => (per === 'row' && shape.length > 1 ? (shape[0] ?? 1) : 1);
  const bytes: Codec['bytes'] = (shape, precision = 'f32') =>
    fieldBytes(size(shape), bits) + widthOf(precision) * rowsOf(shape) * quantizer.numbers;
  return {
    name: per === 'row' ? `${name} per row` : name,
    bytes,
    encode(x, shape) {
      checkFinite(x, 'encode');
      const rows = rowsOf(shape);
      const length = x.length / rows;
      const codes = new Uint8Array(x.length);
      const writer = new Writer(bytes(shape, precisionOf(x)), precisionOf(x));
      for (let row = 0; row < rows; row++) {
        const made = quantizer.quantize(x.subarray(row * length, (row + 1) * length));
        codes.set(made.codes, row * length);
        writer.numbers(made.numbers);
      }
      writer.fields(codes, bits);
      return writer.bytes;
    },
    decode(given, shape, precision) {
      const [n, rows] = [size(shape), rowsOf(shape)];
      const reader = new Reader(given, bytes(shape, precision), precision);
      const numbers = reader.numbers(rows * quantizer.numbers);
      const codes = reader.fields(n, bits, bins);
      const values = floats(precision, n);
      for (let i = 0; i < n; i++) values[i] = quantizer.value(numbers, Math.floor((i * rows) / n) * quantizer.numbers, codes[i] ?? 0);
      checkFinite(values, 'decode');
      return { values, packed: given.subarray(given.length - fieldBytes(n, bits)) };
    },
    restore: asTheyAre,
  };
}
