import { GoldenFormatError } from '@opt/backend-contract';
import { isTaskName, type TaskName } from '../task.ts';

/** The format of recorded results, `opt-task-results/1`: one JSON file a task. Read here is what a replay compares. */
export const taskResultsFormat = 'opt-task-results/1';

/** [step, training loss of that step, not smoothed]. */
export type LossAtStep = readonly [number, number];

/** What the task itself must give with a seed. */
export interface Check {
  readonly seed: number;
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[] | undefined;
  readonly parametersSha256: string;
  /** Of what the seed decides beside parameters and batches, in order. */
  readonly dataSha256: readonly string[];
  readonly firstBatchIndices: readonly number[];
  readonly firstLoss: number;
}

export interface RecordedOptimizer {
  readonly bestLearningRate: number;
  readonly bestRun: readonly LossAtStep[];
  /** The best run with every initial weight moved by one rounding; empty where it was not run. */
  readonly perturbed: readonly LossAtStep[];
}

export interface TaskResults {
  readonly task: TaskName;
  readonly settings: Readonly<Record<'steps' | 'batchSize' | 'smoothingSigma' | 'testEvery', number | undefined>>;
  readonly checks: readonly Check[];
  readonly optimizers: Readonly<Record<string, RecordedOptimizer>>;
}

type Json = Readonly<Record<string, unknown>>;

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether a JSON value says of itself that it holds results of a task. */
export const saysTaskResults = (value: unknown): boolean => isJson(value) && value['format'] === taskResultsFormat;

/** Reads the results of a task; throws a `GoldenFormatError` that names what is missing. */
export function parseTaskResults(value: unknown): TaskResults {
  if (!isJson(value)) throw new GoldenFormatError('results of a task must be a JSON object');
  const task = text(value, 'task');
  if (!isTaskName(task)) throw new GoldenFormatError(`task must be one of the ten, received '${task}'`);
  return {
    task,
    settings: {
      steps: optional(value, 'steps'),
      batchSize: optional(value, 'batchSize'),
      smoothingSigma: optional(value, 'smoothingSigma'),
      testEvery: optional(value, 'testEvery'),
    },
    checks: objects(value, 'checks').map(check),
    optimizers: Object.fromEntries(Object.entries(object(value, 'optimizers')).map(([name, one]) => [name, optimizer(name, one)])),
  };
}

function check(value: Json): Check {
  const labels = value['labelsSha256'];
  const data = value['dataSha256'] ?? [];
  return {
    seed: number(value, 'seed'),
    parameters:
      value['parameters'] === undefined
        ? undefined
        : objects(value, 'parameters').map((one) => ({ name: text(one, 'name'), shape: numbers(one, 'shape') })),
    parametersSha256: text(value, 'parametersSha256'),
    dataSha256: [...(Array.isArray(data) ? data : [data]), ...(labels === undefined ? [] : [labels])].map(String),
    firstBatchIndices: value['firstBatchIndices'] === undefined ? [] : numbers(value, 'firstBatchIndices'),
    firstLoss: number(value, 'firstLoss'),
  };
}

function optimizer(name: string, value: unknown): RecordedOptimizer {
  if (!isJson(value)) throw new GoldenFormatError(`optimizers.${name} must be an object`);
  const perturbed = value['perturbed'];
  return {
    bestLearningRate: number(value, 'bestLearningRate'),
    bestRun: losses(value, 'bestRunTrainLossAtStep'),
    perturbed: isJson(perturbed) ? losses(perturbed, 'trainLossAtStep') : [],
  };
}

const complain = (field: string, expected: string, found: unknown): GoldenFormatError =>
  new GoldenFormatError(`${field} must be ${expected}, received ${JSON.stringify(found)}`);

function text(value: Json, field: string): string {
  const found = value[field];
  if (typeof found !== 'string') throw complain(field, 'a string', found);
  return found;
}

function number(value: Json, field: string): number {
  const found = value[field];
  if (typeof found !== 'number') throw complain(field, 'a number', found);
  return found;
}

/** A number, or undefined where the file says null. */
const optional = (value: Json, field: string): number | undefined => (value[field] === null ? undefined : number(value, field));

function list(value: Json, field: string): readonly unknown[] {
  const found = value[field];
  if (!Array.isArray(found)) throw complain(field, 'a list', found);
  return found;
}

const numbers = (value: Json, field: string): readonly number[] =>
  list(value, field).map((one) => {
    if (typeof one !== 'number') throw complain(field, 'a list of numbers', one);
    return one;
  });

const objects = (value: Json, field: string): readonly Json[] =>
  list(value, field).map((one) => {
    if (!isJson(one)) throw complain(field, 'a list of objects', one);
    return one;
  });

function object(value: Json, field: string): Json {
  const found = value[field];
  if (!isJson(found)) throw complain(field, 'an object', found);
  return found;
}

/** Pairs of step and loss; a loss that was not finite is null in the file. */
const losses = (value: Json, field: string): readonly LossAtStep[] =>
  list(value, field).flatMap((pair): LossAtStep[] => {
    const [step, loss]: readonly unknown[] = Array.isArray(pair) ? pair : [];
    if (typeof step !== 'number') throw complain(field, 'a list of [step, loss]', pair);
    return typeof loss === 'number' ? [[step, loss]] : [];
  });
