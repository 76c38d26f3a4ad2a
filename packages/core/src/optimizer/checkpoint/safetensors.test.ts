import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Floats } from '../../backend.ts';
import { CheckpointError } from '../../errors.ts';
import { decodeSafetensors, reversedEach, SafetensorsLayout, type SavedTensor } from './safetensors.ts';

const special = [0, -0, 1.5, Number.NaN, Infinity, -Infinity, 1e-45, Number.MIN_VALUE, Math.PI];

const encoded = (tensors: ReadonlyMap<string, SavedTensor>, metadata: ReadonlyMap<string, string> = new Map()): Uint8Array => {
  const entries = [...tensors].map(
    ([name, { shape, data }]) => ({ name, shape, type: data instanceof Float64Array ? 'F64' : 'F32' }) as const,
  );
  const layout = new SafetensorsLayout(entries, metadata);
  const file = Uint8Array.from(
    [layout.head, ...[...tensors].map(([name, { data }]) => layout.piece(name, data))].flatMap((piece) => [...piece]),
  );
  expect(file.length).toBe(layout.bytes);
  return file;
};

/** A file of this header, as text or to be made JSON, and so many bytes of data. */
const fileOf = (header: string | object, bytes = 0): Uint8Array => {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + bytes);
  new DataView(file.buffer).setUint32(0, text.length, true);
  file.set(text, 8);
  return file;
};
const headerOf = (file: Uint8Array): { length: number; text: string } => {
  const length = new DataView(file.buffer, file.byteOffset).getUint32(0, true);
  return { length, text: new TextDecoder().decode(file.subarray(8, 8 + length)) };
};
const f32 = (shape: readonly number[], from: number, to: number) => ({ dtype: 'F32', shape, data_offsets: [from, to] });
const refusal = (file: Uint8Array): string => {
  try {
    decodeSafetensors(file);
  } catch (error) {
    expect(error).toBeInstanceOf(CheckpointError);
    return error instanceof Error ? error.message : '';
  }
  return 'accepted';
};

describe('safetensors', () => {
  it('goes there and back bit for bit: precision, shape, names, metadata', () => {
    const tensors = new Map<string, SavedTensor>([
      ['soap/adam.m:layer.weight', { shape: [3, 3], data: Float32Array.from(special) }],
      ['wide, at no multiple of 8', { shape: [9], data: Float64Array.from(special) }],
      ['scalar', { shape: [], data: Float64Array.of(-0) }],
      ['größe *"\\ \ud800', { shape: [1, 1], data: Float32Array.of(2) }],
      ['__proto__', { shape: [1], data: Float32Array.of(3) }],
      ['7', { shape: [1], data: Float32Array.of(4) }],
    ]);
    const metadata = new Map([
      ['format', 'x'],
      ['__proto__', '{"a":1}'],
    ]);
    const decoded = decodeSafetensors(encoded(tensors, metadata));
    expect(decoded.metadata).toEqual(metadata);
    expect(new Set(decoded.tensors.keys())).toEqual(new Set(tensors.keys()));
    for (const [name, { shape, data }] of tensors) {
      const back = decoded.tensors.get(name);
      expect(back?.shape).toEqual(shape);
      expect(back?.data.constructor).toBe(data.constructor);
      data.forEach((x, i) => {
        expect(back?.data[i], `${name}[${i}]`).toBe(x);
      });
    }
  });

  it('is what other frameworks write: length, JSON, little-endian data, aligned to 8 bytes', () => {
    const file = encoded(new Map([['a', { shape: [2], data: Float32Array.of(1, -2) }]]));
    const { length, text } = headerOf(file);
    expect((8 + length) % 8).toBe(0);
    expect(JSON.parse(text)).toEqual({ __metadata__: {}, a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } });
    expect([...file.subarray(8 + length)]).toEqual([0, 0, 128, 63, 0, 0, 0, 192]);
  });

  it('is read from the middle of a larger buffer too, and in any order of the header', () => {
    const file = fileOf({ b: f32([1], 8, 12), a: { dtype: 'F64', shape: [], data_offsets: [0, 8] } }, 12);
    file.set([...new Uint8Array(Float64Array.of(-2).buffer), ...new Uint8Array(Float32Array.of(3).buffer)], file.length - 12);
    const larger = new Uint8Array(file.length + 6);
    larger.set(file, 3);
    const { tensors } = decodeSafetensors(larger.subarray(3, 3 + file.length));
    expect([...tensors].map(([name, { data }]) => [name, ...data])).toEqual([
      ['b', 3],
      ['a', -2],
    ]);
  });

  it('tensors are views of the file where they lie at a multiple of their size, and copies elsewhere', () => {
    const tensors = new Map<string, SavedTensor>([
      ['a', { shape: [1], data: Float32Array.of(1) }],
      ['b', { shape: [1], data: Float64Array.of(2) }],
    ]);
    const file = encoded(tensors);
    const decoded = decodeSafetensors(file).tensors;
    expect(decoded.get('a')?.data.buffer).toBe(file.buffer);
    expect(decoded.get('b')?.data.buffer).not.toBe(file.buffer);
    expect(decoded.get('b')?.data[0]).toBe(2);
  });

  it('bytes are turned round element by element', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    expect([...reversedEach(bytes, 4)]).toEqual([4, 3, 2, 1, 8, 7, 6, 5]);
    expect(bytes[0]).toBe(1);
  });

  it('what the backend gives must be what was declared', () => {
    const writer = new SafetensorsLayout([{ name: 'a', shape: [2], type: 'F32' }], new Map());
    for (const data of [Float32Array.of(1), Float64Array.of(1), Float64Array.of(1, 2)])
      expect(() => writer.piece('a', data)).toThrow(CheckpointError);
    expect(() => writer.piece('b', Float32Array.of(1, 2))).toThrow(CheckpointError);
  });
});

describe('a file that is not what its header says is refused', () => {
  const file = encoded(new Map([['a', { shape: [2], data: Float32Array.of(1, 2) }]]));

  it('cut off anywhere, or with bytes behind its end', () => {
    for (let length = 0; length < file.length; length++) expect(refusal(file.subarray(0, length))).toContain('not a safetensors file');
    for (const more of [1, 8, 13]) {
      const longer = new Uint8Array(file.length + more);
      longer.set(file);
      expect(refusal(longer)).toContain(`its header says 8 bytes of data, there are ${8 + more}`);
    }
  });

  it.each([1, 2, 4, 8, -1, -4])('a header whose length is short by %d', (by) => {
    const changed = file.slice();
    new DataView(changed.buffer).setUint32(0, headerOf(file).length - by, true);
    expect(refusal(changed)).toContain('not a safetensors file');
  });

  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'it is shorter than its header'],
    ['a header longer than the file', new Uint8Array(8).fill(255), 'its header is longer than the file'],
    ['a header that is no JSON', fileOf('{'), 'its header is no JSON object'],
    ['a list', fileOf('[1]'), 'its header is no JSON object'],
    ['null', fileOf('null'), 'its header is no JSON object'],
    ['a byte order mark', fileOf('\ufeff{}'), 'its header is no JSON object'],
    ['no UTF-8', fileOf('{"a?":{}}').map((byte) => (byte === 63 ? 0xff : byte)), 'its header is no JSON object'],
    [
      'a name that is there twice',
      fileOf('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0061":{}}', 4),
      "key 'a' is there twice",
    ],
    [
      'an offset that is there twice',
      fileOf('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"shape":[1]}}', 4),
      "key 'shape' is there twice",
    ],
    ['a tensor without shape', fileOf({ a: { dtype: 'F32' } }), "'a' must have a dtype"],
    ['a tensor with something else', fileOf({ a: { ...f32([1], 0, 4), order: 'F' } }, 4), "'a' must have a dtype"],
    [
      'another type',
      fileOf({ a: { dtype: 'I8', shape: [1], data_offsets: [0, 1] } }, 1),
      "'a' has dtype I8, known are F32, F64, BF16, F16, U8",
    ],
    ['behind the file', fileOf({ a: f32([4], 0, 16) }, 8), 'its header says 16 bytes of data, there are 8'],
    ['before the file', fileOf({ a: f32([1], -4, 0) }, 8), "'a' must have a dtype"],
    ['offsets that do not fit the shape', fileOf({ a: f32([3], 0, 4) }, 4), "'a' of shape [3] must take 12 bytes"],
    ['a shape of no integers', fileOf({ a: f32([0.5, 2], 0, 4) }, 4), "'a' must have a dtype"],
    ['negative sizes', fileOf({ a: f32([-1, -1], 0, 4) }, 4), "'a' must have a dtype"],
    ['fractional offsets', fileOf({ a: f32([1], 0.5, 4.5) }, 8), "'a' must have a dtype"],
    ['infinite offsets', fileOf('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,1e999]}}', 8), "'a' must have a dtype"],
    ['three offsets', fileOf({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4, 4] } }, 4), "'a' must have two data_offsets"],
    ['one offset', fileOf({ a: { dtype: 'F32', shape: [0], data_offsets: [0] } }), "'a' must have two data_offsets"],
    ['a product beyond all integers', fileOf({ a: f32([2 ** 40, 2 ** 40], 0, 0) }), "'a' of shape"],
    ['a product that overflows to the right bytes', fileOf({ a: f32([2 ** 32, 2 ** 32, 2], 0, 0) }), "'a' of shape"],
    ['a hole', fileOf({ a: f32([1], 4, 8) }, 8), "'a' begins at byte 4 of the data, where 0 was due: there is a hole"],
    ['a hole between', fileOf({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), "'b' begins at byte 8 of the data, where 4 was due"],
    [
      'an overlap',
      fileOf({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12),
      "'b' begins at byte 4 of the data, where 8 was due: there is an overlap",
    ],
    ['metadata that is no record', fileOf({ __metadata__: [] }), '__metadata__ is no object'],
    ['metadata that is no text', fileOf({ __metadata__: { a: 1 } }), "__metadata__ must hold strings, 'a' is none"],
  ])('%s', (_, changed, reason) => {
    expect(refusal(changed)).toContain(reason);
  });

  it('a thousand tensors over the same megabyte', () => {
    const entries = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`t${i}`, f32([250_000], 0, 1_000_000)]));
    expect(refusal(fileOf(entries, 1_000_000))).toContain('there is an overlap');
  });

  it('any bytes are read or refused, and so is any file with any byte changed', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void refusal(bytes)));
    const good = encoded(new Map([['a', { shape: [2, 1], data: Float32Array.of(1, 2) }]]), new Map([['k', 'v']]));
    fc.assert(
      fc.property(fc.nat(good.length - 9), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = good.map((byte, i) => (i === at ? byte ^ flip : byte));
        const reason = refusal(changed);
        if (reason !== 'accepted') return;
        // What is still well formed has another name, or other metadata: the data are the same.
        const [only] = decodeSafetensors(changed).tensors.values();
        const data: Floats | undefined = only?.data;
        expect([...(data ?? [])]).toEqual([1, 2]);
      }),
    );
  });
});
