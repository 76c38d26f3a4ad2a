import type { GoldenTensor } from './golden-tensor.ts';
import type { Problem } from './problem.ts';

/** The format of recorded runs, `opt-golden/1`: one JSON file a case. */

export type Precision = 'float64' | 'float32';

interface Common {
  readonly id: string;
  readonly about: string;
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  /** Largest relative error allowed; null: not compared in this precision. */
  readonly tolerance: Readonly<Record<Precision, number | null>>;
}

/** A whole optimizer: gradients in, parameters after every step out. */
export interface Trajectory extends Common {
  readonly kind: 'trajectory';
  readonly optimizer: string;
  /** What is minimised, in place of gradients. */
  readonly problem?: Problem;
  /** What a measure of a parameter may be at most after every step, by its name. */
  readonly bounds: Readonly<Record<string, Readonly<Record<Precision, number | null>>>>;
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[]; readonly initial: readonly number[] }[];
  readonly steps: readonly GoldenStep[];
}

type Vectors = Readonly<Record<string, readonly number[]>>;

/** One recorded step: what came in, what an objective or a generator of random numbers delivered, and what came out. */
export interface GoldenStep {
  readonly gradients: Vectors;
  readonly parameters: Vectors;
  /** What the model is judged with after the step, where it was recorded. */
  readonly evaluation?: Vectors;
  readonly loss?: number;
  /** Of a step on a problem: the loss where it began, how often it asked, and how many iterations it made; `loss` is that where it ended. */
  readonly returned?: number;
  readonly evaluations?: number;
  readonly iterations?: number;
  /** The vector multiplied by the Hessian, as it was, and the product. */
  readonly probe?: { readonly z: Vectors; readonly Hz: Vectors };
  readonly perSampleGradients?: Readonly<Record<string, GoldenTensor>>;
  readonly perSampleLosses?: readonly number[];
  /** The gradient of the loss with labels drawn from the model. */
  readonly sampledGradients?: Vectors;
  /** The gradients of this batch at the parameters before the previous step. */
  readonly previousGradients?: Vectors;
  /** Draws by name. */
  readonly draws?: Readonly<Record<string, GoldenTensor>>;
}

/** One building block: calls in order, sharing state. */
export interface Component extends Common {
  readonly kind: 'component';
  readonly component: string;
  readonly calls: readonly {
    readonly inputs: Readonly<Record<string, GoldenTensor>>;
    readonly outputs: Readonly<Record<string, GoldenTensor>>;
  }[];
}

export type GoldenCase = Trajectory | Component;

export const goldenFormat = 'opt-golden/1';

/** A file that cannot be replayed, with the reason. */
export class GoldenFormatError extends Error {
  override readonly name: string = 'GoldenFormatError';
}

/** Whether a JSON value says of itself that it is a case. */
export const saysGolden = (value: unknown): boolean => isRecord(value) && value['format'] === goldenFormat;

/** Reads a case; throws a `GoldenFormatError` that names what is missing. */
export function parseGolden(value: unknown): GoldenCase {
  if (!isRecord(value)) throw new GoldenFormatError('a case must be a JSON object');
  const { kind } = value;
  const id = text(value, 'id');
  const common = {
    id,
    about: typeof value['about'] === 'string' ? value['about'] : '',
    hyperparameters: record(value, 'hyperparameters', id),
    tolerance: tolerance(value),
  };
  if (kind === 'trajectory') {
    const parameters = list(value, 'parameters', id).map((item) => ({
      name: text(item, 'name'),
      shape: numbers(item['shape'], `${id}: shape`),
      initial: numbers(item['initial'], `${id}: initial`),
    }));
    const steps = list(value, 'steps', id).map((step) => ({
      gradients: vectors(step, 'gradients', id),
      parameters: vectors(step, 'parameters', id),
      // SPlus has another word for it.
      ...(isRecord(step['evaluation']) && { evaluation: vectors(step, 'evaluation', id) }),
      ...(isRecord(step['readout']) && { evaluation: vectors(step, 'readout', id) }),
      ...counted(step, 'loss', 'returned', 'evaluations', 'iterations'),
      ...(isRecord(step['probe']) && { probe: { z: vectors(step['probe'], 'z', id), Hz: vectors(step['probe'], 'Hz', id) } }),
      ...(isRecord(step['perSampleGradients']) && { perSampleGradients: tensors(step, 'perSampleGradients', id) }),
      ...(Array.isArray(step['perSampleLosses']) && { perSampleLosses: numbers(step['perSampleLosses'], `${id}: perSampleLosses`) }),
      ...(isRecord(step['sampledGradients']) && { sampledGradients: vectors(step, 'sampledGradients', id) }),
      ...(isRecord(step['previousGradients']) && { previousGradients: vectors(step, 'previousGradients', id) }),
      ...(isRecord(step['draws']) && { draws: tensors(step, 'draws', id) }),
    }));
    const problem = isRecord(value['problem']) ? { problem: problemOf(value['problem'], id) } : {};
    return { ...common, kind, optimizer: text(value, 'optimizer'), bounds: bounds(value, id), ...problem, parameters, steps };
  }
  if (kind === 'component') {
    const calls = list(value, 'calls', id).map((call) => ({ inputs: tensors(call, 'inputs', id), outputs: tensors(call, 'outputs', id) }));
    return { ...common, kind, component: text(value, 'component'), calls };
  }
  throw new GoldenFormatError(`${id}: kind must be 'trajectory' or 'component', received ${JSON.stringify(kind)}`);
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function text(value: Record<string, unknown>, field: string): string {
  const found = value[field];
  if (typeof found !== 'string' || found === '')
    throw new GoldenFormatError(`${String(value['id'] ?? 'case')}: ${field} must be a string, received ${JSON.stringify(found)}`);
  return found;
}

function record(value: Record<string, unknown>, field: string, id: string): Record<string, unknown> {
  const found = value[field] ?? {};
  if (!isRecord(found)) throw new GoldenFormatError(`${id}: ${field} must be an object`);
  return found;
}

function list(value: Record<string, unknown>, field: string, id: string): Record<string, unknown>[] {
  const found = value[field];
  if (!Array.isArray(found) || found.length === 0 || !found.every(isRecord))
    throw new GoldenFormatError(`${id}: ${field} must be a list of objects with at least one entry`);
  return found;
}

/** Numbers nested in any depth, flattened; 'NaN' and 'Infinity' may stand as strings, which JSON has no numbers for. */
function numbers(value: unknown, where: string): number[] {
  if (!Array.isArray(value)) throw new GoldenFormatError(`${where} must be a list of numbers`);
  return value.flat(8).map((item: unknown) => {
    if (typeof item === 'number') return item;
    if (item === 'NaN' || item === 'Infinity' || item === '-Infinity') return Number(item);
    throw new GoldenFormatError(`${where} must be a list of numbers, received ${JSON.stringify(item)}`);
  });
}

function vectors(value: Record<string, unknown>, field: string, id: string): Record<string, number[]> {
  const present = Object.entries(record(value, field, id)).filter(([, data]) => data !== null);
  return Object.fromEntries(present.map(([name, data]) => [name, numbers(data, `${id}: ${field} '${name}'`)]));
}

/** Those of some fields that are numbers. */
const counted = <F extends string>(step: Record<string, unknown>, ...fields: readonly F[]): Partial<Record<F, number>> => {
  const read: Partial<Record<F, number>> = {};
  for (const field of fields) {
    const value = step[field];
    if (typeof value === 'number') read[field] = value;
  }
  return read;
};

function problemOf(value: Record<string, unknown>, id: string): Problem {
  const { kind, l2 } = value;
  const part = (name: string): GoldenTensor => tensor(value[name], name, 'problem', id);
  if (kind === 'quadratic') return { kind, matrix: part('matrix'), vector: part('vector') };
  if (kind === 'rosenbrock') return { kind };
  if (kind === 'logistic') return { kind, inputs: part('inputs'), labels: part('labels'), l2: typeof l2 === 'number' ? l2 : 0 };
  throw new GoldenFormatError(`${id}: problem must be 'quadratic', 'rosenbrock' or 'logistic', received ${JSON.stringify(kind)}`);
}

const tensors = (value: Record<string, unknown>, field: string, id: string): Record<string, GoldenTensor> =>
  Object.fromEntries(Object.entries(record(value, field, id)).map(([name, one]) => [name, tensor(one, name, field, id)]));

function tensor(value: unknown, name: string, field: string, id: string): GoldenTensor {
  if (!isRecord(value)) throw new GoldenFormatError(`${id}: ${field} '${name}' must have shape and data`);
  return { shape: numbers(value['shape'], `${id}: shape of '${name}'`), data: numbers(value['data'], `${id}: data of '${name}'`) };
}

const tolerance = (value: Record<string, unknown>): Record<Precision, number | null> =>
  byPrecision(isRecord(value['tolerance']) ? value['tolerance'] : {}, 1e-9, 1e-4);

function bounds(value: Record<string, unknown>, id: string): Record<string, Record<Precision, number | null>> {
  return Object.fromEntries(
    Object.entries(record(value, 'bounds', id)).map(([name, bound]) => {
      if (!isRecord(bound)) throw new GoldenFormatError(`${id}: bounds.${name} must have float64 and float32`);
      return [name, byPrecision(bound, null, null)];
    }),
  );
}

function byPrecision<F>(given: Record<string, unknown>, float64: F, float32: F): Record<Precision, number | null | F> {
  const read = (precision: Precision, fallback: F): number | null | F => {
    const one = given[precision];
    return one === null || typeof one === 'number' ? one : fallback;
  };
  return { float64: read('float64', float64), float32: read('float32', float32) };
}
