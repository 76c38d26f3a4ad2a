import { describe, expect, it } from 'vitest';
import { CheckpointError } from '../errors.ts';
import { decodeSafetensors, encodeSafetensors, type SavedTensor } from './safetensors.ts';

const special = [0, -0, 1.5, Number.NaN, Infinity, -Infinity, 1e-45, Number.MIN_VALUE, Math.PI];

describe('safetensors', () => {
  it('goes there and back bit for bit: precision, shape, names, metadata', () => {
    const tensors = new Map<string, SavedTensor>([
      ['soap/adam.m:layer.weight', { shape: [3, 3], data: Float32Array.from(special) }],
      ['wide', { shape: [9], data: Float64Array.from(special) }],
      ['scalar', { shape: [], data: Float64Array.of(-0) }],
      ['größe *"\\', { shape: [1, 1], data: Float32Array.of(2) }],
    ]);
    const metadata = { format: 'x', host: '{"a":1}' };
    const decoded = decodeSafetensors(encodeSafetensors({ tensors, metadata }));
    expect(decoded.metadata).toEqual(metadata);
    expect([...decoded.tensors.keys()]).toEqual([...tensors.keys()]);
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
    const file = encodeSafetensors({ tensors: new Map([['a', { shape: [2], data: Float32Array.of(1, -2) }]]), metadata: {} });
    const length = new DataView(file.buffer).getUint32(0, true);
    expect((8 + length) % 8).toBe(0);
    const header: unknown = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
    expect(header).toEqual({ __metadata__: {}, a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } });
    expect([...file.subarray(8 + length)]).toEqual([0, 0, 128, 63, 0, 0, 0, 192]);
  });

  it('is read from the middle of a larger buffer too', () => {
    const file = encodeSafetensors({ tensors: new Map([['a', { shape: [2], data: Float64Array.of(1, -2) }]]), metadata: {} });
    const larger = new Uint8Array(file.length + 6);
    larger.set(file, 3);
    expect([...(decodeSafetensors(larger.subarray(3, 3 + file.length)).tensors.get('a')?.data ?? [])]).toEqual([1, -2]);
  });

  it('overlapping or trailing data do not matter, missing data do', () => {
    const file = encodeSafetensors({ tensors: new Map([['a', { shape: [2], data: Float32Array.of(1, 2) }]]), metadata: {} });
    const longer = new Uint8Array(file.length + 10);
    longer.set(file);
    expect(decodeSafetensors(longer).tensors.size).toBe(1);
    for (let length = 0; length < file.length; length++) expect(() => decodeSafetensors(file.subarray(0, length))).toThrow(CheckpointError);
  });
});
