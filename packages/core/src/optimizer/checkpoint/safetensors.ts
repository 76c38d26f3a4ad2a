import type { Floats } from '../../backend.ts';
import { CheckpointError } from '../../errors.ts';
import type { Shape } from '../../program/shape.ts';
import { parseStrictly } from './strict-json.ts';

/**
 * The safetensors format: 8 bytes length of the header, little-endian; the header, JSON, from name to dtype, shape and
 * offsets, with `__metadata__` of strings; the data, one tensor after the other without a gap. Every framework reads it.
 */
export interface SavedTensor {
  readonly shape: Shape;
  readonly data: Floats;
}

export interface Saved {
  readonly tensors: ReadonlyMap<string, SavedTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** Codes are read and written as numbers, in f32. */
export type SavedType = 'F32' | 'F64' | 'BF16' | 'F16' | 'U8';

/** A tensor before it is written. */
export interface Entry {
  readonly name: string;
  readonly shape: Shape;
  readonly type: SavedType;
}

/** A tensor in a file: from where to where it lies in the data. */
interface Located extends Entry {
  readonly from: number;
  readonly to: number;
}

const bytesOf: Readonly<Record<SavedType, number>> = { F32: 4, F64: 8, BF16: 2, F16: 2, U8: 1 };
const isSavedType = (type: unknown): type is SavedType => typeof type === 'string' && Object.hasOwn(bytesOf, type);
/** No other reader of the format takes more. */
const longestHeader = 100_000_000;
const littleEndian: boolean = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** How many bytes a file has, and its pieces in order: what comes before the data, and each tensor. */
export class SafetensorsLayout {
  readonly head: Uint8Array;
  readonly bytes: number;
  private readonly places = new Map<string, Located>();

  constructor(entries: readonly Entry[], metadata: ReadonlyMap<string, string>) {
    let end = 0;
    for (const entry of entries) {
      const from = end;
      end += count(entry.shape) * bytesOf[entry.type];
      this.places.set(entry.name, { ...entry, from, to: end });
    }
    const header = [...this.places.values()].map(({ name, type, shape, from, to }) => [
      name,
      { dtype: type, shape, data_offsets: [from, to] },
    ]);
    const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries([['__metadata__', Object.fromEntries(metadata)], ...header])));
    this.head = new Uint8Array(8 + Math.ceil(text.length / 8) * 8).fill(0x20);
    new DataView(this.head.buffer).setBigUint64(0, BigInt(this.head.length - 8), true);
    this.head.set(text, 8);
    this.bytes = this.head.length + end;
  }

  /** The bytes of a tensor: a view of `data`, where elements lie in the order of the file. */
  piece(name: string, data: Floats): Uint8Array {
    const place = this.places.get(name);
    const own = data instanceof Float64Array ? 'F64' : place !== undefined && isCodes(place.type) ? place.type : 'F32';
    if (place === undefined || own !== place.type || data.length * bytesOf[own] !== place.to - place.from) {
      throw new CheckpointError(
        `save: '${name}' was to be ${place?.type} of shape [${place?.shape}], the backend gave ${own}[${data.length}]`,
      );
    }
    const numbers = own === 'U8' ? Uint8Array.from(data) : isCodes(own) ? Uint16Array.from(data) : data;
    const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    return littleEndian ? bytes : reversedEach(bytes, bytesOf[own]);
  }
}

/** Reads a file, or refuses it. Tensors are views of it wherever they lie at a multiple of their elements' size. */
export function decodeSafetensors(file: Uint8Array): Saved {
  if (file.byteLength < 8) throw bad('it is shorter than its header');
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = view.getUint32(0, true);
  if (view.getUint32(4, true) !== 0 || 8 + length > file.byteLength) throw bad('its header is longer than the file');
  if (length > longestHeader) throw bad(`its header is longer than ${longestHeader} bytes`);
  // A copy, since text cannot be decoded from memory that is shared between threads.
  const header = parseHeader(file.slice(8, 8 + length));
  const entries = [...header].filter(([name]) => name !== '__metadata__').map(([name, entry]) => locate(name, entry));
  const data = file.subarray(8 + length);
  checkContiguous(entries, data.byteLength);
  return {
    metadata: strings(header.get('__metadata__')),
    tensors: new Map(entries.map((entry) => [entry.name, { shape: entry.shape, data: floats(data, entry) }])),
  };
}

const bad = (why: string, cause?: unknown): CheckpointError => new CheckpointError(`load: not a safetensors file: ${why}`, { cause });

function parseHeader(bytes: Uint8Array): Map<string, unknown> {
  let header: unknown;
  try {
    header = parseStrictly(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw bad(`its header is no JSON object: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
  if (!isRecord(header)) throw bad('its header is no JSON object');
  return new Map(Object.entries(header));
}

const isCodes = (type: SavedType): boolean => bytesOf[type] < 4;

function locate(name: string, entry: unknown): Located {
  if (!isRecord(entry) || Object.keys(entry).length !== 3 || !isSizes(entry['shape']) || !isSizes(entry['data_offsets']))
    throw bad(`'${name}' must have a dtype, a shape of integers >= 0 and two data_offsets, and nothing else`);
  const { shape, dtype: type } = { shape: entry['shape'], dtype: entry['dtype'] };
  const [from, to, more] = entry['data_offsets'];
  if (!isSavedType(type)) throw bad(`'${name}' has dtype ${String(type)}, known are ${Object.keys(bytesOf).join(', ')}`);
  if (from === undefined || to === undefined || more !== undefined) throw bad(`'${name}' must have two data_offsets`);
  const bytes = count(shape) * bytesOf[type];
  if (!Number.isSafeInteger(bytes) || to - from !== bytes)
    throw bad(`'${name}' of shape [${shape}] must take ${bytes} bytes, its data_offsets are ${from} and ${to}`);
  return { name, shape, type, from, to };
}

function checkContiguous(entries: readonly Located[], bytes: number): void {
  let end = 0;
  for (const { name, from, to } of [...entries].sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (from !== end)
      throw bad(`'${name}' begins at byte ${from} of the data, where ${end} was due: there is ${from < end ? 'an overlap' : 'a hole'}`);
    end = to;
  }
  if (end !== bytes) throw bad(`its header says ${end} bytes of data, there are ${bytes}`);
}

function floats(data: Uint8Array, { type, from, to }: Located): Floats {
  const place = data.subarray(from, to);
  const inOrder = littleEndian ? place : reversedEach(place, bytesOf[type]);
  const aligned = inOrder.byteOffset % bytesOf[type] === 0 ? inOrder : inOrder.slice();
  const { buffer, byteOffset, byteLength } = aligned;
  if (type === 'U8') return Float32Array.from(aligned);
  if (isCodes(type)) return Float32Array.from(new Uint16Array(buffer, byteOffset, byteLength / 2));
  return type === 'F64' ? new Float64Array(buffer, byteOffset, byteLength / 8) : new Float32Array(buffer, byteOffset, byteLength / 4);
}

/** A copy in which the bytes of every element are the other way round: what was little-endian is big-endian, and back. */
export function reversedEach(bytes: Uint8Array, size: number): Uint8Array {
  const result = bytes.slice();
  for (let at = 0; at < result.length; at += size) result.subarray(at, at + size).reverse();
  return result;
}

/** How many elements; exact, or no safe integer. */
const count = (shape: Shape): number => (shape.includes(0) ? 0 : shape.reduce((product, n) => product * n, 1));

function strings(metadata: unknown = {}): Map<string, string> {
  if (!isRecord(metadata)) throw bad('its __metadata__ is no object');
  return new Map(
    Object.entries(metadata).map(([key, value]) => {
      if (typeof value !== 'string') throw bad(`its __metadata__ must hold strings, '${key}' is none`);
      return [key, value];
    }),
  );
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/** Sizes of axes, or offsets. */
export const isSizes = (value: unknown): value is number[] => Array.isArray(value) && value.every(isCount);
export const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

// The two globals every JavaScript runtime has; core is compiled without the types of any of them.
declare const TextEncoder: new () => { encode(text: string): Uint8Array };
declare const TextDecoder: new (label: string, options: { fatal: boolean; ignoreBOM: boolean }) => { decode(bytes: Uint8Array): string };
