import { isPromise } from '../../backend.ts';
import { CheckpointError } from '../../errors.ts';
import { required } from '../../records.ts';
import { checked, collecting, write } from './checkpoint.ts';
import { decodeSafetensors, type SavedTensor } from './safetensors.ts';

/**
 * What `save` gives, taken apart: for adapters of frameworks that keep tensors one by one. Parameters are the tensors `parameter:…`; the
 * metadata are counters, hyperparameters and what slots are, and to be carried along as they are.
 */
export interface CheckpointParts {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, SavedTensor>;
}

/** @throws CheckpointError if the file is not whole */
export function takeApart(file: Uint8Array): CheckpointParts {
  const { metadata, tensors } = decodeSafetensors(file);
  return { metadata: Object.fromEntries(metadata), tensors: checked(file, tensors) };
}

/** A file that `load` takes. */
export function putTogether({ metadata, tensors }: CheckpointParts): Uint8Array {
  const all = Object.fromEntries(tensors);
  const entries = [...tensors].map(([name, { shape, data }]) => ({
    name,
    shape,
    type: data instanceof Float64Array ? ('F64' as const) : ('F32' as const),
  }));
  const { sinkFor, file } = collecting();
  const written = write(entries, new Map(Object.entries(metadata)), (name) => required(all, name, 'tensor').data, sinkFor);
  if (isPromise(written)) throw new CheckpointError('putTogether: tensors must be at hand');
  return file();
}
