import { type About, CheckpointError, type CheckpointParts } from '@opt/core';
import type { Known } from './bindings.ts';

/** A parameter of a saved state, with what its model said about it. */
export interface SavedParameter extends Known, About {}

/** A checkpoint without parameters, and which variables they were, in the order of declaration. */
export interface SavedState extends CheckpointParts {
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
export function savedHypers({ metadata }: CheckpointParts): [string, number][] {
  const host = parse(metadata['host'] ?? '');
  const hypers = isRecord(host) ? host['hypers'] : undefined;
  return isRecord(hypers) ? Object.entries(hypers).filter((entry): entry is [string, number] => typeof entry[1] === 'number') : [];
}

/** A state without the values of its parameters: the model has them. */
export const stateOf = ({ metadata, tensors }: CheckpointParts, parameters: readonly SavedParameter[]): SavedState => ({
  metadata,
  parameters: parameters.map(({ key, name, shape, last, role, layout }) => {
    return { key, name, shape, last, ...(role && { role }), ...(layout && { layout }) };
  }),
  tensors: new Map([...tensors].filter(([key]) => !key.startsWith(prefix))),
});

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
