import { CheckpointError } from '../errors.ts';
import { type Shape, sameShape, size } from '../program/shape.ts';
import type { Shapes } from '../transform/transform.ts';
import { parameterKey } from './keys.ts';
import type { Layout } from './layout.ts';
import { isRecord, isSizes, type Saved, type SavedTensor } from './safetensors.ts';

export const checkpointFormat = 'opt-checkpoint/1';

/** What the host keeps beside the tensors. */
export interface HostState {
  readonly counters: Readonly<Record<string, number>>;
  readonly call: number;
  /** Calls dropped by the host. */
  readonly skipped: number;
  readonly seed: number;
  /** Numbers only: a schedule is a function and cannot be saved. */
  readonly hypers: Readonly<Record<string, number>>;
  readonly parameters: Readonly<Record<string, Shape>>;
  /** Joined slots by key: their parameters, in order. */
  readonly joins: Readonly<Record<string, readonly string[]>>;
}

/** What did not fit when a checkpoint was loaded. */
export interface LoadReport {
  /** Slots the file does not have: they start from their initial value. */
  readonly missing: readonly string[];
  /** Tensors of the file that nothing here uses. */
  readonly surplus: readonly string[];
}

export const encodeHost = (state: HostState): Record<string, string> => ({ format: checkpointFormat, host: JSON.stringify(state) });

export function decodeHost(metadata: Readonly<Record<string, string>>): HostState {
  if (metadata['format'] !== checkpointFormat) {
    throw new CheckpointError(`load: the file must be of format ${checkpointFormat}, received ${metadata['format'] ?? 'none'}`);
  }
  const state = parse(metadata['host'] ?? 'null');
  if (!isHostState(state)) throw new CheckpointError("load: the file's counters and hyperparameters are incomplete");
  return state;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isHostState(value: unknown): value is HostState {
  return (
    isRecord(value) &&
    isRecordOf(value['counters'], isNumber) &&
    isNumber(value['call']) &&
    isNumber(value['skipped']) &&
    isNumber(value['seed']) &&
    isRecordOf(value['hypers'], isNumber) &&
    isRecordOf(value['parameters'], isSizes) &&
    isRecordOf(value['joins'], isNames)
  );
}

const isNumber = (value: unknown): boolean => typeof value === 'number';
const isNames = (value: unknown): boolean => Array.isArray(value) && value.every((name) => typeof name === 'string');
const isRecordOf = (value: unknown, holds: (item: unknown) => boolean): boolean => isRecord(value) && Object.values(value).every(holds);

/** Checks a checkpoint against what is here, changing nothing: the tensors to write, and the report. */
export function match(
  saved: Saved,
  host: HostState,
  shapes: Shapes,
  layout: Layout,
): { writes: Map<string, SavedTensor>; report: LoadReport } {
  const wanted = new Map<string, Shape>(Object.entries(shapes).map(([name, shape]) => [parameterKey(name), shape]));
  const joins = new Map<string, Shapes>();
  for (const { key, slot } of layout.slots.values()) {
    wanted.set(key, slot.shape);
    if (slot.joins !== undefined) joins.set(key, slot.joins);
  }
  const writes = new Map<string, SavedTensor>();
  for (const [key, shape] of wanted) {
    const tensor = saved.tensors.get(key);
    if (tensor === undefined) continue;
    if (!sameShape(tensor.shape, shape)) throw new CheckpointError(`load: '${key}' must have shape [${shape}], received [${tensor.shape}]`);
    const today = joins.get(key);
    writes.set(key, today === undefined ? tensor : reorder(key, tensor, joinedIn(key, host), today));
  }
  const absent = [...wanted.keys()].filter((key) => !writes.has(key));
  const parameters = absent.filter((key) => layout.slots.get(key) === undefined);
  if (parameters.length > 0)
    throw new CheckpointError(`load: the file must hold ${parameters.map((key) => `'${key}'`).join(', ')}, it holds other parameters`);
  return { writes, report: { missing: absent, surplus: [...saved.tensors.keys()].filter((key) => !wanted.has(key)) } };
}

type Join = readonly (readonly [name: string, shape: Shape])[];

/** What a saved slot joins. */
const joinedIn = (key: string, { joins, parameters }: HostState): Join => (joins[key] ?? []).map((name) => [name, parameters[name] ?? []]);

/** A joined slot saved under another order of the parameters, in the order of today. */
function reorder(key: string, tensor: SavedTensor, saved: Join, shapes: Shapes): SavedTensor {
  const today = Object.entries(shapes);
  if (saved.length === today.length && saved.every(([name], i) => name === today[i]?.[0])) return tensor;
  if (saved.length !== today.length || !saved.every(([name, shape]) => shapes[name] !== undefined && sameShape(shape, shapes[name]))) {
    throw new CheckpointError(
      `load: '${key}' joins ${saved.map(([name]) => name).join(', ')}, here it would join ${today.map(([name]) => name).join(', ')}`,
    );
  }
  const total = today.reduce((sum, [, shape]) => sum + size(shape), 0);
  const axes = tensor.shape.flatMap((n, axis) => (n === total ? [axis] : []));
  const [axis] = axes;
  if (axis === undefined) return tensor;
  if (axes.length > 1)
    throw new CheckpointError(
      `load: '${key}' of shape [${tensor.shape}] cannot be reordered: two axes are as long as all parameters together`,
    );
  return { shape: tensor.shape, data: permuteAxis(tensor, axis, positions(saved, shapes)) };
}

/** For each element of today's joined vector, its position in the saved one. */
function positions(saved: Join, shapes: Shapes): number[] {
  const start = new Map<string, number>();
  let at = 0;
  for (const [name, shape] of saved) {
    start.set(name, at);
    at += size(shape);
  }
  return Object.entries(shapes).flatMap(([name, shape]) => Array.from({ length: size(shape) }, (_, i) => (start.get(name) ?? 0) + i));
}

function permuteAxis({ shape, data }: SavedTensor, axis: number, order: readonly number[]): SavedTensor['data'] {
  const inner = size(shape.slice(axis + 1));
  const outer = size(shape.slice(0, axis));
  const result = data.slice();
  for (let o = 0; o < outer; o++) {
    order.forEach((from, to) => {
      const base = o * order.length;
      result.set(data.subarray((base + from) * inner, (base + from + 1) * inner), (base + to) * inner);
    });
  }
  return result;
}
