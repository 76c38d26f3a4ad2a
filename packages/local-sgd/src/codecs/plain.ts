import { noOptions, type Shape, size } from '@opt/core';
import { asTheyAre, type Codec, floats, precisionOf, widthOf } from './codec.ts';
import { checkFinite, Reader, roundHalfEven, Writer } from './wire.ts';

/** Values as they are: 4 bytes each (8 in f64). */
export function none(...options: never[]): Codec {
  noOptions('none', options);
  const bytes: Codec['bytes'] = (shape, precision = 'f32') => size(shape) * widthOf(precision);
  return {
    name: 'none',
    bytes,
    encode(x, shape) {
      checkFinite(x, 'encode');
      const writer = new Writer(bytes(shape, precisionOf(x)), precisionOf(x));
      writer.numbers(x);
      return writer.bytes;
    },
    decode: (given, shape, precision) => {
      const values = new Reader(given, bytes(shape, precision), precision).numbers(size(shape));
      checkFinite(values, 'decode');
      return { values };
    },
    restore: asTheyAre,
  };
}

/** IEEE half precision, rounded half to even; what is beyond ±65504 becomes that. 2 bytes a value. */
export function f16(...options: readonly never[]): Codec {
  noOptions('f16', options);
  const bytes = (shape: Shape): number => 2 * size(shape);
  return {
    name: 'f16',
    bytes,
    encode(x, shape) {
      checkFinite(x, 'encode');
      const writer = new Writer(bytes(shape), 'f32');
      writer.fields(Uint16Array.from(x, half), 16);
      return writer.bytes;
    },
    decode: (given, shape, precision) => {
      const halves = new Reader(given, bytes(shape), precision).fields(size(shape), 16, 2 ** 16);
      const values = floats(precision, halves.length);
      halves.forEach((bits, i) => {
        values[i] = unhalf(bits);
      });
      checkFinite(values, 'decode');
      return { values };
    },
    restore: asTheyAre,
  };
}

const largest = 65504;

const [double, words] = (() => {
  const one = new Float64Array(1);
  return [one, new DataView(one.buffer)];
})();
const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The bits of the nearest half: sign, exponent above −15, ten bits of fraction. */
function half(x: number): number {
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const magnitude = Math.min(Math.abs(x), largest);
  double[0] = magnitude;
  const exponent = Math.max(-14, ((words.getUint32(littleEndian ? 4 : 0, littleEndian) >>> 20) & 2047) - 1023);
  // Where rounding reaches the next power, the sum carries into the exponent.
  const steps = roundHalfEven(magnitude * (scales[exponent + 14] ?? 0));
  return sign | (steps < 1024 ? steps : (exponent + 14) * 1024 + steps);
}

/** 2^(10 − exponent), by exponent above −15. */
const scales = Float64Array.from({ length: 30 }, (_, i) => 2 ** (24 - i));

function unhalf(bits: number): number {
  const [exponent, fraction] = [(bits >>> 10) & 31, bits & 1023];
  const magnitude =
    exponent === 31
      ? fraction === 0
        ? Infinity
        : Number.NaN
      : exponent === 0
        ? fraction * 2 ** -24
        : (1024 + fraction) * 2 ** (exponent - 25);
  return bits >= 0x8000 ? -magnitude : magnitude;
}
