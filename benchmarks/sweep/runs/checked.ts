import { backendNames } from '../../src/backends.ts';
import { isTaskName } from '../../tasks/task.ts';
import type { Question } from './messages.ts';
import type { RunResult, RunSpec } from './run.ts';

/** What came from a file or a queue and is not what it should be. The message says where, what was expected and what came. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}

type Check = readonly [expected: string, holds: (value: unknown) => boolean];

const isWhole = (least: number) => (value: unknown) => Number.isSafeInteger(value) && Number(value) >= least;
const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);
const listOf = (holds: (value: unknown) => boolean) => (value: unknown) => Array.isArray(value) && value.every(holds);

/** Names become parts of paths. */
const specChecks: Readonly<Record<keyof RunSpec, Check>> = {
  task: ['the name of a task', (value) => typeof value === 'string' && isTaskName(value)],
  optimizer: ['the name of an optimizer', (value) => typeof value === 'string' && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(value)],
  rate: ['a number above 0', (value) => isNumber(value) && Number(value) > 0],
  seed: ['a whole number from 0', isWhole(0)],
  steps: ['a whole number from 1', isWhole(1)],
  backend: ['the name of a backend', (value) => backendNames.some((name) => name === value)],
};

/** JSON writes null for a loss that is not finite. */
const isTest = (value: unknown): boolean =>
  isRecord(value) && isWhole(0)(value['afterStep']) && (value['loss'] === null || typeof value['loss'] === 'number');

const resultChecks: Readonly<Record<keyof RunResult, Check>> = {
  losses: ['a list of numbers', listOf(isNumber)],
  tests: ['a list of { afterStep, loss }', listOf(isTest)],
  diverged: ['true or false', (value) => typeof value === 'boolean'],
  skippedSteps: ['a whole number from 0', isWhole(0)],
  seconds: ['a number', isNumber],
};

/** A spec that came from elsewhere. @throws Malformed */
function checkedSpec(value: unknown, where: string): RunSpec {
  if (!passes<RunSpec>(value, specChecks, where)) throw new Malformed(`${where}: expected a run, got ${shown(value)}`);
  return value;
}

/** What a worker is to do, as it came from a queue. @throws Malformed */
export function checkedQuestion(value: unknown, where: string): Question {
  if (!isRecord(value)) throw new Malformed(`${where}: expected { spec, key }, got ${shown(value)}`);
  const { spec, key } = value;
  if (typeof key !== 'string' || key === '') throw new Malformed(`${where}: expected key to be that of its settings, got ${shown(key)}`);
  return { spec: checkedSpec(spec, where), key };
}

/** A result that came from elsewhere. @throws Malformed */
export function checkedResult(value: unknown, where: string): RunResult {
  if (!passes<RunResult>(value, resultChecks, where)) throw new Malformed(`${where}: expected the result of a run, got ${shown(value)}`);
  return value;
}

/** Whether a value is a record in which every field is what it should be. @throws Malformed that names the first that is not */
function passes<T extends object>(value: unknown, checks: Readonly<Record<keyof T & string, Check>>, where: string): value is T {
  if (!isRecord(value)) return false;
  for (const [name, [expected, holds]] of Object.entries<Check>(checks))
    if (!holds(value[name])) throw new Malformed(`${where}: expected ${name} to be ${expected}, got ${shown(value[name])}`);
  return true;
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** On one line, and not all of something long. */
export const shown = (value: unknown): string => {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
};
