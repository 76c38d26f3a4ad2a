import { CheckpointError, type Floats, type Shape, size } from '@opt/core';

/** A tensor of a checkpoint. */
export interface SavedTensor {
  readonly shape: Shape;
  readonly data: Floats;
}

/** What the host keeps beside the tensors; fields that are of no concern here are carried along. */
export interface HostState {
  readonly hypers: Readonly<Record<string, number>>;
  /** Parameters in declaration order. */
  readonly parameters: readonly (readonly [name: string, shape: Shape])[];
  readonly [field: string]: unknown;
}

/** What `optimizer.save()` of core holds, taken apart: a safetensors file whose metadata carries the host's state as JSON. */
export interface Checkpoint {
  readonly format: string;
  readonly host: HostState;
  readonly tensors: ReadonlyMap<string, SavedTensor>;
}

export const parameterKey = (name: string): string => `parameter:${name}`;

/** The host's state as the numbers of its UTF-8 bytes, and back: how it travels among tensors. */
export const encodeHost = ({ format, host }: Checkpoint): Int32Array =>
  Int32Array.from(new TextEncoder().encode(JSON.stringify({ format, host })));

export function decodeHost(bytes: ArrayLike<number>): Pick<Checkpoint, 'format' | 'host'> {
  const value = parse(new TextDecoder().decode(Uint8Array.from(bytes)));
  if (!isRecord(value) || typeof value['format'] !== 'string' || !isHostState(value['host'])) {
    throw new CheckpointError('setWeights: the first weights must be those that getWeights of this optimizer gives');
  }
  return { format: value['format'], host: value['host'] };
}

export function readCheckpoint(file: Uint8Array): Checkpoint {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const start = 8 + view.getUint32(0, true);
  const header = parse(new TextDecoder().decode(file.subarray(8, start)));
  if (!isRecord(header) || !isRecord(header['__metadata__'])) throw new CheckpointError('load: the file has no metadata');
  const { format, host } = header['__metadata__'];
  const state = parse(String(host));
  if (typeof format !== 'string' || !isHostState(state)) throw new CheckpointError("load: the file's host state is incomplete");
  const tensors = new Map<string, SavedTensor>();
  for (const [key, entry] of Object.entries(header)) {
    if (key !== '__metadata__') tensors.set(key, readTensor(view, start, key, entry));
  }
  return { format, host: state, tensors };
}

function readTensor(view: DataView, start: number, key: string, entry: unknown): SavedTensor {
  if (!isRecord(entry) || !isNumbers(entry['shape']) || !isNumbers(entry['data_offsets'])) {
    throw new CheckpointError(`load: '${key}' has no shape or offsets`);
  }
  const { shape } = { shape: entry['shape'] };
  const at = start + (entry['data_offsets'][0] ?? 0);
  const wide = entry['dtype'] === 'F64';
  const data = wide ? new Float64Array(size(shape)) : new Float32Array(size(shape));
  for (let i = 0; i < data.length; i++) data[i] = wide ? view.getFloat64(at + 8 * i, true) : view.getFloat32(at + 4 * i, true);
  return { shape, data };
}

export function writeCheckpoint({ format, host, tensors }: Checkpoint): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format, host: JSON.stringify(host) } };
  let end = 0;
  for (const [key, { shape, data }] of tensors) {
    header[key] = { dtype: data instanceof Float64Array ? 'F64' : 'F32', shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(8 + padded + end).fill(0x20, 8 + text.length, 8 + padded);
  const view = new DataView(file.buffer);
  view.setUint32(0, padded, true);
  file.set(text, 8);
  let at = 8 + padded;
  for (const { data } of tensors.values()) {
    if (data instanceof Float64Array) for (const [i, x] of data.entries()) view.setFloat64(at + 8 * i, x, true);
    else for (const [i, x] of data.entries()) view.setFloat32(at + 4 * i, x, true);
    at += data.byteLength;
  }
  return file;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumbers = (value: unknown): value is number[] => Array.isArray(value) && value.every((item) => typeof item === 'number');
const isHostState = (value: unknown): value is HostState =>
  isRecord(value) &&
  isRecord(value['hypers']) &&
  Array.isArray(value['parameters']) &&
  value['parameters'].every((entry) => Array.isArray(entry) && typeof entry[0] === 'string' && isNumbers(entry[1]));
