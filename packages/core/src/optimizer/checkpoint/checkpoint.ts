import { type Floats, type MaybePromise, whenDone } from '../../backend.ts';
import { CheckpointError } from '../../errors.ts';
import { printShape, type Shape, sameShape } from '../../program/shape.ts';
import { isParameterKey, isSkipCount, parameterKey } from '../keys.ts';
import { inTurn } from '../turns.ts';
import { decodeHost, encodeHost, type HostState } from './host-state.ts';
import { decodeSafetensors, isCount, SafetensorsWriter, type Saved, type SavedTensor, type SavedType } from './safetensors.ts';

/** A file that is whole and agrees with itself. */
export interface Checkpoint {
  readonly host: HostState;
  readonly tensors: ReadonlyMap<string, SavedTensor>;
}

/** Where the elements of saved tensors come from. */
export interface Source {
  readonly read: (key: string) => MaybePromise<Floats>;
  /** How the backend holds each dtype. */
  readonly types: Readonly<Record<'working' | 'wide', SavedType>>;
}

/** The file, into which each tensor is copied once. */
export function encodeCheckpoint(host: Omit<HostState, 'joins'>, { read, types }: Source): MaybePromise<Uint8Array> {
  const entries = [
    ...[...host.parameters].map(([name, shape]) => ({ name: parameterKey(name), shape, type: types.working })),
    ...[...(host.slots ?? [])].map(([name, { shape, dtype }]) => ({ name, shape, type: types[dtype] })),
  ];
  const writer = new SafetensorsWriter(entries, encodeHost(host));
  const written = inTurn(entries, ({ name }) => whenDone(read(name), (data) => writer.put(name, data)));
  return whenDone(written, () => writer.file);
}

/** @throws CheckpointError unless the file is whole, and its tensors are those its host state says */
export function decodeCheckpoint(file: Uint8Array): Checkpoint {
  const saved = decodeSafetensors(file);
  const host = decodeHost(saved.metadata);
  return host.slots === undefined ? first(saved, host) : agreeing(saved.tensors, host, [...host.slots]);
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
  return agreeing(tensors, { ...host, skipped }, slots);
}

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
