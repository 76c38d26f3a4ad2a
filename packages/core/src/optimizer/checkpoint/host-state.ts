import { CheckpointError } from '../../errors.ts';
import { narrowTypes } from '../../program/narrow.ts';
import type { Narrow } from '../../program/program.ts';
import type { Shape } from '../../program/shape.ts';
import type { Kind } from '../../transform/slot.ts';
import { isCount, isRecord, isSizes } from './safetensors.ts';
import { parseStrictly } from './strict-json.ts';

/** What is written; files of the first format, which named no slots, are read too. */
export const checkpointFormat = 'opt-checkpoint/2';
export const firstFormat = 'opt-checkpoint/1';

/** What a slot was declared to be. */
export interface SavedSlot {
  readonly shape: Shape;
  readonly kind: Kind;
  readonly dtype: 'working' | 'wide' | Narrow;
  readonly symmetric: boolean;
  /** The parameters a joined slot is about, in order. */
  readonly joins: readonly string[] | undefined;
}

/** What the host keeps beside the tensors. */
export interface HostState {
  readonly call: number;
  /** Calls dropped, whether the host or the device decided it. */
  readonly skipped: number;
  readonly seed: number;
  readonly counters: ReadonlyMap<string, number>;
  /** Hyperparameters that were numbers, by address. */
  readonly hypers: ReadonlyMap<string, number>;
  /** Those that were schedules: functions, which cannot be saved. */
  readonly schedules: readonly string[];
  readonly parameters: ReadonlyMap<string, Shape>;
  /** By key; undefined in a file of the first format. */
  readonly slots: ReadonlyMap<string, SavedSlot> | undefined;
  /** Joined slots by key: their parameters, in order. */
  readonly joins: ReadonlyMap<string, readonly string[]>;
}

export function encodeHost({
  call,
  skipped,
  seed,
  counters,
  hypers,
  schedules,
  parameters,
  slots,
}: Omit<HostState, 'joins'>): Map<string, string> {
  const host = JSON.stringify({
    ...{ call, skipped, seed, schedules },
    ...{ counters: Object.fromEntries(counters), hypers: Object.fromEntries(hypers) },
    ...{ parameters: Object.fromEntries(parameters), slots: Object.fromEntries(slots ?? []) },
  });
  return new Map([
    ['format', checkpointFormat],
    ['host', host],
  ]);
}

/** @throws CheckpointError that names what is not as it must be */
export function decodeHost(metadata: ReadonlyMap<string, string>): HostState {
  const format = metadata.get('format');
  if (format !== checkpointFormat && format !== firstFormat)
    throw new CheckpointError(`load: the file must be of format ${checkpointFormat} or ${firstFormat}, received ${format ?? 'none'}`);
  const host = parse(metadata.get('host') ?? 'null');
  const first = format === firstFormat;
  const state = {
    call: count(host['call'], 'call'),
    skipped: count(host['skipped'], 'skipped'),
    seed: seed(host['seed'], 'seed'),
    counters: mapOf(count)(host['counters'], 'counters'),
    hypers: mapOf(finite)(host['hypers'], 'hypers'),
    schedules: first ? [] : names(host['schedules'], 'schedules'),
    parameters: mapOf(shape)(host['parameters'], 'parameters'),
    slots: first ? undefined : mapOf(slot)(host['slots'], 'slots'),
  };
  if (state.call > 0 && state.counters.size === 0)
    throw new CheckpointError(`load: the file's counters must be there after ${state.call} calls, received none`);
  const joined = [...(state.slots ?? [])].flatMap(([key, { joins }]): [string, readonly string[]][] =>
    joins === undefined ? [] : [[key, joins]],
  );
  return { ...state, joins: first ? mapOf(names)(host['joins'], 'joins') : new Map(joined) };
}

function parse(text: string): Record<string, unknown> {
  try {
    const host = parseStrictly(text);
    if (isRecord(host)) return host;
  } catch (cause) {
    throw new CheckpointError(`load: the file's host state is no JSON: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  throw new CheckpointError("load: the file's host state is no JSON object");
}

/** Reads one value, called `what` in messages. @throws CheckpointError */
type Reader<T> = (value: unknown, what: string) => T;

const must =
  <T>(rule: string, holds: (value: unknown) => value is T): Reader<T> =>
  (value, what) => {
    if (holds(value)) return value;
    throw new CheckpointError(`load: the file's ${what} must be ${rule}, received ${show(value)}`);
  };

function show(value: unknown): string {
  // JSON has no infinity, but its numbers may be too large for one.
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? 'nothing');
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

const count = must('an integer >= 0', isCount);
const seed = must('an integer in [0, 2^32)', (value): value is number => isCount(value) && value < 2 ** 32);
const finite = must('a finite number', (value): value is number => Number.isFinite(value));
const names = must(
  'a list of names',
  (value): value is string[] => Array.isArray(value) && value.every((name) => typeof name === 'string'),
);
const shape = must('a shape of integers >= 1', (value): value is number[] => isSizes(value) && !value.includes(0));
const truth = must('true or false', (value) => typeof value === 'boolean');
const record = must('a record', isRecord);

const kinds: ReadonlySet<unknown> = new Set<Kind>(['vector', 'diagonal', 'matrix', 'cubic', 'invariant']);
const kind = must(`one of ${[...kinds].join(', ')}`, (value): value is Kind => kinds.has(value));
const dtypes: ReadonlySet<unknown> = new Set(['working', 'wide', ...narrowTypes]);
const dtype = must(`one of ${[...dtypes].join(', ')}`, (value): value is SavedSlot['dtype'] => dtypes.has(value));

const slot: Reader<SavedSlot> = (value, what) => {
  const given = record(value, what);
  return {
    shape: shape(given['shape'], `shape of ${what}`),
    kind: kind(given['kind'], `kind of ${what}`),
    dtype: dtype(given['dtype'], `dtype of ${what}`),
    symmetric: truth(given['symmetric'], `symmetric of ${what}`),
    joins: given['joins'] === undefined ? undefined : names(given['joins'], `joins of ${what}`),
  };
};

/** A record of anything; as a Map, since a name may be any string. */
const mapOf =
  <T>(item: Reader<T>): Reader<Map<string, T>> =>
  (value, what) =>
    new Map(Object.entries(record(value, what)).map(([name, given]) => [name, item(given, `${what} '${name}'`)]));
