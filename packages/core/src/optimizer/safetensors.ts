import type { Floats } from '../backend.ts';
import { CheckpointError } from '../errors.ts';
import { type Shape, size } from '../program/shape.ts';

/**
 * The safetensors format: 8 bytes length of the header, little-endian; the header, JSON, from name to dtype, shape and
 * offsets, with `__metadata__` of strings; the data. Every framework reads it.
 */
export interface SavedTensor {
  readonly shape: Shape;
  readonly data: Floats;
}

export interface Saved {
  readonly tensors: ReadonlyMap<string, SavedTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

export function encodeSafetensors({ tensors, metadata }: Saved): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const [name, { shape, data }] of tensors) {
    header[name] = { dtype: data instanceof Float64Array ? 'F64' : 'F32', shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const text = encodeUtf8(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(8 + padded + end);
  const view = new DataView(file.buffer);
  view.setUint32(0, padded, true);
  file.set(text, 8);
  file.fill(0x20, 8 + text.length, 8 + padded);
  let at = 8 + padded;
  for (const { data } of tensors.values()) {
    for (let i = 0; i < data.length; i++) {
      if (data instanceof Float64Array) view.setFloat64(at + 8 * i, data[i] ?? 0, true);
      else view.setFloat32(at + 4 * i, data[i] ?? 0, true);
    }
    at += data.byteLength;
  }
  return file;
}

export function decodeSafetensors(file: Uint8Array): Saved {
  const bad = (why: string): CheckpointError => new CheckpointError(`load: not a safetensors file: ${why}`);
  if (file.byteLength < 8) throw bad('it is shorter than its header');
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = view.getUint32(0, true);
  if (view.getUint32(4, true) !== 0 || 8 + length > file.byteLength) throw bad('its header is longer than the file');
  const header = parseHeader(file.subarray(8, 8 + length), bad);
  const tensors = new Map<string, SavedTensor>();
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') metadata = strings(entry);
    else tensors.set(name, readTensor(view, 8 + length, name, entry, bad));
  }
  return { tensors, metadata };
}

function parseHeader(bytes: Uint8Array, bad: (why: string) => CheckpointError): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(decodeUtf8(bytes));
    if (isRecord(header)) return header;
  } catch {
    // Said below, in the same words as for a header of the wrong form.
  }
  throw bad('its header is no JSON object');
}

function readTensor(view: DataView, start: number, name: string, entry: unknown, bad: (why: string) => CheckpointError): SavedTensor {
  if (!isRecord(entry) || !isSizes(entry['shape']) || !isNumbers(entry['data_offsets'])) throw bad(`'${name}' has no shape or offsets`);
  const { shape, data_offsets: offsets, dtype } = { shape: entry['shape'], data_offsets: entry['data_offsets'], dtype: entry['dtype'] };
  if (dtype !== 'F32' && dtype !== 'F64') throw bad(`'${name}' has dtype ${String(dtype)}, known are F32 and F64`);
  const bytes = dtype === 'F64' ? 8 : 4;
  const [from = 0, to = 0] = offsets;
  if (to - from !== size(shape) * bytes || from < 0 || start + to > view.byteLength) throw bad(`'${name}' lies outside of the file`);
  const data = dtype === 'F64' ? new Float64Array(size(shape)) : new Float32Array(size(shape));
  for (let i = 0; i < data.length; i++)
    data[i] = bytes === 8 ? view.getFloat64(start + from + 8 * i, true) : view.getFloat32(start + from + 4 * i, true);
  return { shape, data };
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/** Sizes of axes. */
export const isSizes = (value: unknown): value is number[] => isNumbers(value) && value.every((n) => Number.isInteger(n) && n >= 0);
const isNumbers = (value: unknown): value is number[] => Array.isArray(value) && value.every((item) => typeof item === 'number');
const strings = (value: unknown): Record<string, string> =>
  isRecord(value) ? Object.fromEntries(Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === 'string')) : {};

// The two globals every JavaScript runtime has; core is compiled without the types of any of them.
declare const TextEncoder: new () => { encode(text: string): Uint8Array };
declare const TextDecoder: new () => { decode(bytes: Uint8Array): string };
const encodeUtf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const decodeUtf8 = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
