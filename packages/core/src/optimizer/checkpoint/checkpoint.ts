import { type Floats, type MaybePromise, whenDone } from '../../backend.ts';
import { CheckpointError } from '../../errors.ts';
import { printShape, type Shape, sameShape } from '../../program/shape.ts';
import { isParameterKey, isSkipCount, parameterKey } from '../memory/keys.ts';
import { inTurn } from '../memory/turns.ts';
import { Checksum } from './checksum.ts';
import { decodeHost, encodeHost, type HostState, type SavedSlot } from './host-state.ts';
import { decodeSafetensors, type Entry, isCount, SafetensorsLayout, type Saved, type SavedTensor, type SavedType } from './safetensors.ts';

/** A file that is whole and agrees with itself. */
export interface Checkpoint {
  readonly host: HostState;
  readonly tensors: ReadonlyMap<string, SavedTensor>;
}

/** Where the elements of saved tensors come from. */
export interface Source {
  readonly read: (key: string) => MaybePromise<Floats>;
  /** How the backend holds each dtype. */
  readonly types: Readonly<Record<SavedSlot['dtype'], SavedType>>;
}

/** Takes the pieces of a file, in order; each may change as soon as the call returns. */
export type Sink = (piece: Uint8Array) => void;

/** Hands the file over in pieces, to a sink that is told how many bytes will come. Nothing is copied. */
export function encodeCheckpoint(
  host: Omit<HostState, 'joins'>,
  { read, types }: Source,
  sinkFor: (bytes: number) => Sink,
): MaybePromise<void> {
  const entries = [
    ...[...host.parameters].map(([name, shape]) => ({ name: parameterKey(name), shape, type: types.working })),
    ...[...(host.slots ?? [])].map(([name, { shape, dtype }]) => ({ name, shape, type: types[dtype] })),
  ];
  return write(entries, encodeHost(host), read, sinkFor);
}

/** Tensors and what is said about them, with a checksum behind. */
export function write(
  entries: readonly Entry[],
  metadata: ReadonlyMap<string, string>,
  read: Source['read'],
  sinkFor: (bytes: number) => Sink,
): MaybePromise<void> {
  const checksum = new Checksum(4);
  const layout = new SafetensorsLayout([...entries, { name: checkKey, shape: [4], type: 'F64' }], metadata);
  const sink = sinkFor(layout.bytes);
  // What was just read by the one is still near for the other.
  const put = (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const piece = bytes.subarray(at, at + pieceBytes);
      checksum.add(piece);
      sink(piece);
    }
  };
  put(layout.head);
  return whenDone(
    inTurn(entries, ({ name }) => whenDone(read(name), (data) => put(layout.piece(name, data)))),
    () => sink(layout.piece(checkKey, Float64Array.from(checksum.values))),
  );
}

/** The last tensor of a file: a checksum of all bytes before it, in four lanes, or in one in files of before. */
const checkKey = 'checksum';

/** What is summed and handed on at a time: a part of a processor's own memory. */
const pieceBytes = 2 ** 18;

/** A sink that is one array: each piece is copied once. */
export function collecting(): { sinkFor: (bytes: number) => Sink; file: () => Uint8Array } {
  let [file, at] = [new Uint8Array(0), 0];
  return {
    file: () => file,
    sinkFor(bytes) {
      file = allocate(bytes);
      return (piece) => {
        file.set(piece, at);
        at += piece.length;
      };
    },
  };
}

function allocate(bytes: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes);
  } catch (cause) {
    throw new CheckpointError(`save: the checkpoint would be ${bytes} bytes, more than there is memory for`, { cause });
  }
}

/** @throws CheckpointError unless the file is whole, and its tensors are those its host state says */
export function decodeCheckpoint(file: Uint8Array): Checkpoint {
  const saved = decodeSafetensors(file);
  const host = decodeHost(saved.metadata);
  return host.slots === undefined ? first(saved, host) : agreeing(checked(file, saved.tensors), host, [...host.slots]);
}

/** The tensors of a file whose checksum is right. */
export function checked(file: Uint8Array, saved: Checkpoint['tensors']): Checkpoint['tensors'] {
  const tensors = new Map(saved);
  const said = [...(tensors.get(checkKey)?.data ?? [])];
  tensors.delete(checkKey);
  const lanes = said.length === 1 ? 1 : 4;
  const checksum = new Checksum(lanes);
  // Whole words, as everything that is written; else it is not what was written.
  checksum.add(file.subarray(0, Math.max(0, 4 * Math.floor(file.length / 4) - 8 * lanes)));
  const wanted = checksum.values;
  if (said.length !== lanes || wanted.some((value, i) => said[i] !== value))
    throw new CheckpointError(
      `load: the file is damaged: its checksum must be ${wanted.join(' ')}, it says ${said.length === 0 ? 'none' : said.slice(0, lanes).join(' ')}`,
    );
  return tensors;
}

/** The first format named no slots, and counted calls dropped by a device in slots. */
function first(saved: Saved, host: HostState): Checkpoint {
  const tensors = new Map(saved.tensors);
  let { skipped } = host;
  for (const [key, { data }] of saved.tensors) {
    if (!isSkipCount(key)) continue;
    tensors.delete(key);
    const [dropped] = data;
    if (data.length !== 1 || !isCount(dropped))
      throw new CheckpointError(`load: the file's ${key} must be an integer >= 0, received ${dropped}`);
    skipped += dropped;
  }
  const slots = [...tensors].filter(([key]) => !isParameterKey(key));
  const counters = new Map([...host.counters].map(([counter, count]) => [renamed(counter), count]));
  return agreeing(tensors, { ...host, counters, skipped }, slots);
}

/** The calls of a window had the name that a parameter called '' has now. */
const renamed = (counter: string): string => counter.replace(/(^|\/)accumulate:$/, '$1accumulate/window:');

function agreeing(
  tensors: Checkpoint['tensors'],
  host: HostState,
  slots: readonly (readonly [key: string, of: { readonly shape: Shape }])[],
): Checkpoint {
  const said = new Map([
    ...[...host.parameters].map(([name, shape]): [string, Shape] => [parameterKey(name), shape]),
    ...slots.map(([key, { shape }]) => [key, shape] as const),
  ]);
  for (const [key, shape] of said) {
    const tensor = tensors.get(key);
    if (tensor === undefined) throw new CheckpointError(`load: the file says that it holds '${key}', it does not`);
    if (!sameShape(tensor.shape, shape))
      throw new CheckpointError(
        `load: the file says that '${key}' has shape ${printShape(shape)}, its tensor has ${printShape(tensor.shape)}`,
      );
  }
  for (const key of tensors.keys())
    if (!said.has(key)) throw new CheckpointError(`load: the file holds '${key}', of which it says nothing`);
  for (const [key, names] of host.joins)
    for (const name of names)
      if (!host.parameters.has(name))
        throw new CheckpointError(`load: the file says that '${key}' joins '${name}', which is none of its parameters`);
  return { host, tensors };
}
