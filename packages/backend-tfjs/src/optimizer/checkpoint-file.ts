import { type About, CheckpointError, type Floats, type Shape, size } from '@opt/core';
import type { Known } from './bindings.ts';

/** A tensor of a checkpoint. */
export interface SavedTensor {
  readonly shape: Shape;
  readonly data: Floats;
}

/** A parameter of a saved state, with what its model said about it. */
export interface SavedParameter extends Known {
  readonly role?: About['role'];
}

/**
 * What `optimizer.save()` of core holds, taken apart: a safetensors file. Its metadata (counters, hyperparameters, what slots are) are core's
 * own business and are carried along as they are.
 */
export interface Checkpoint {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, SavedTensor>;
}

/** A checkpoint without parameters, and which variables they were, in the order of declaration. */
export interface SavedState extends Checkpoint {
  readonly parameters: readonly SavedParameter[];
}

const prefix = 'parameter:';
export const parameterKey = (name: string): string => `${prefix}${name}`;

/** Everything but the tensors, as the numbers of its UTF-8 bytes, and back: how it travels among weights. */
export const encodeHost = ({ metadata, parameters }: SavedState): Int32Array =>
  Int32Array.from(new TextEncoder().encode(JSON.stringify({ metadata, parameters })));

export function decodeHost(bytes: ArrayLike<number>): Pick<SavedState, 'metadata' | 'parameters'> {
  const value = parse(new TextDecoder().decode(Uint8Array.from(bytes)));
  if (!isRecord(value) || !isStrings(value['metadata']) || !isParameters(value['parameters'])) {
    throw new CheckpointError('setWeights: the first weights must be those that getWeights of this optimizer gives');
  }
  return { metadata: value['metadata'], parameters: value['parameters'] };
}

/** The hyperparameters that were numbers, by address. */
export function savedHypers({ metadata }: Checkpoint): [string, number][] {
  const host = parse(metadata['host'] ?? '');
  const hypers = isRecord(host) ? host['hypers'] : undefined;
  return isRecord(hypers) ? Object.entries(hypers).filter((entry): entry is [string, number] => typeof entry[1] === 'number') : [];
}

/** A state without the values of its parameters: the model has them. */
export const stateOf = ({ metadata, tensors }: Checkpoint, parameters: readonly SavedParameter[]): SavedState => ({
  metadata,
  parameters: parameters.map(({ key, name, shape, last, role }) => ({ key, name, shape, last, ...(role && { role }) })),
  tensors: new Map([...tensors].filter(([key]) => !key.startsWith(prefix))),
});

export function readCheckpoint(file: Uint8Array): Checkpoint {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const start = 8 + view.getUint32(0, true);
  const header = parse(new TextDecoder().decode(file.subarray(8, start)));
  const metadata = isRecord(header) ? header['__metadata__'] : undefined;
  if (!isRecord(header) || !isStrings(metadata)) throw new CheckpointError('load: the file has no metadata');
  const tensors = new Map<string, SavedTensor>();
  for (const [key, entry] of Object.entries(header)) {
    if (key !== '__metadata__') tensors.set(key, readTensor(view, start, key, entry));
  }
  return { metadata, tensors };
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

export function writeCheckpoint({ metadata, tensors }: Checkpoint): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
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
const isStrings = (value: unknown): value is Record<string, string> =>
  isRecord(value) && Object.values(value).every((item) => typeof item === 'string');
const isParameters = (value: unknown): value is SavedParameter[] =>
  Array.isArray(value) &&
  value.every(
    (entry) =>
      isRecord(entry) &&
      typeof entry['key'] === 'string' &&
      typeof entry['name'] === 'string' &&
      typeof entry['last'] === 'number' &&
      isNumbers(entry['shape']),
  );
