import type { Backend, MaybePromise, Mode, Precision } from '../backend.ts';
import { isPromise } from '../backend.ts';
import { BackendError, GradientError, OptionTypeError } from '../errors.ts';
import { message } from '../options/hyper.ts';
import { callable, choice, fixed, type Option, optional, resolve, unknownOption } from '../options/options.ts';
import { record } from '../records.ts';
import { requiredStage } from '../transform/stage-options.ts';
import type { About } from '../transform/transform.ts';
import { advice, describe, isPlain } from '../validation/describe.ts';
import type { Engine } from './engine.ts';
import { LivingOptimizer, type Session, type Sources, sessionOf } from './living-optimizer.ts';
import { Memory } from './memory/memory.ts';
import { narrowedOption } from './memory/narrowed.ts';
import { place } from './memory/place.ts';
import type { Draws } from './memory/randomness.ts';
import { metricsOption } from './metrics.ts';
import type { Optimizer, OptimizerOptions } from './optimizer.ts';

/**
 * Puts parameters and the state of a transform on a backend. On a backend that runs asynchronously the optimizer comes as a
 * promise; on all others it is there at once, and `step` returns nothing.
 *
 * @throws OptionTypeError for a part that is missing or something else, such as a backend that was not awaited · OptionRangeError for a
 * seed, or a start value that is not finite in working precision · GradientError without parameters · ShapeError where data and shape
 * differ · TransformError for stages that do not go together · every error of the backend. Nothing is left on the backend then.
 */
export function createOptimizer<N extends string, Native = never, Buffer = unknown, P extends Precision = Precision>(
  options: OptimizerOptions<N, 'sync', 'sync', Native, Buffer, P>,
): Optimizer<N, 'sync', 'sync', Native, P>;
export function createOptimizer<N extends string, Native = never, Buffer = unknown, P extends Precision = Precision>(
  options: OptimizerOptions<N, 'sync', 'async', Native, Buffer, P>,
): Optimizer<N, 'sync', 'async', Native, P>;
export function createOptimizer<N extends string, Native = never, Buffer = unknown, P extends Precision = Precision>(
  options: OptimizerOptions<N, 'async', 'sync', Native, Buffer, P>,
): Promise<Optimizer<N, 'async', 'sync', Native, P>>;
export function createOptimizer<N extends string, Native = never, Buffer = unknown, P extends Precision = Precision>(
  options: OptimizerOptions<N, 'async', 'async', Native, Buffer, P>,
): Promise<Optimizer<N, 'async', 'async', Native, P>>;
export function createOptimizer<N extends string, Native = never, Buffer = unknown, P extends Precision = Precision>(
  options: OptimizerOptions<N, Mode, Mode, Native, Buffer, P>,
): MaybePromise<Optimizer<N, Mode, Mode, Native, P>>;
// The engine serves every mode; which one it is in, only the overloads above can say.
export function createOptimizer<Native, Buffer>(options: OptimizerOptions<string, Mode, Mode, Native, Buffer>): MaybePromise<object> {
  const { transform, backend, seed, draws, about, metrics, parameters, stateDtype } = read<Native, Buffer>(options);
  const memory = new Memory(backend);
  let made: Session<Native, Buffer> | undefined;
  const failed = (error: unknown): never => {
    made?.engine.dispose();
    memory.release();
    throw error;
  };
  try {
    const frame = { transform, backend, random: { seed, draws: draws ?? undefined }, metrics, narrowed: stateDtype };
    const session = sessionOf(frame, memory, place(backend, memory, parameters), about);
    made = session;
    refuseWhatLacks(backend, session.engine);
    const optimizer = new LivingOptimizer(frame, session, (given, said) =>
      resolve('add', { parameters: given, about: said }, addedOptions),
    );
    const started = session.engine.once('construct');
    if (isPromise(started)) return started.then(() => optimizer, failed);
    return backend.run === 'async' ? Promise.resolve(optimizer) : optimizer;
  } catch (error) {
    return failed(error);
  }
}

/** Where a backend comes in parts, what it lacks is said at the beginning, not in the call that needs it. */
function refuseWhatLacks<Native, Buffer>(backend: Backend<Mode, Mode, Native, Buffer>, engine: Engine<Native, Buffer>): void {
  if (backend.lacks === undefined) return;
  for (const { program } of engine.explain().programs) {
    const lacking = backend.lacks(program);
    if (lacking !== undefined) throw new BackendError(`createOptimizer: program '${program.name}' needs ${lacking}`);
  }
}

const learningRate = 'learningRate';

function read<Native, Buffer>(options: OptimizerOptions<string, Mode, Mode, Native, Buffer>) {
  // The mistake that everybody makes who comes from elsewhere.
  if (isPlain(options) && learningRate in options)
    throw new OptionTypeError(
      `${unknownOption('createOptimizer', learningRate, known)}; it is the transform's: transform: sgd({ learningRate: 0.1 })`,
    );
  return resolve('createOptimizer', options, {
    transform: requiredStage,
    parameters: sources,
    backend: backendOption<Native, Buffer>,
    seed: fixed(0, { rule: 'an integer in [0, 2^32)', holds: (seed) => Number.isInteger(seed) && seed >= 0 && seed <= 0xffffffff }),
    draws: optional(callable<Draws>('a function (name, owner, shape) => numbers')),
    about: aboutOption,
    metrics: metricsOption,
    stateDtype: narrowedOption,
  });
}

const known = ['transform', 'parameters', 'backend', 'seed', 'draws', 'about', 'metrics', 'stateDtype'];

/** Left out, undefined. */
const orUndefined =
  <R>(option: Option<R>): Option<R | undefined> =>
  (value, rule, name) =>
    value === undefined ? undefined : option(value, rule, name);

const layout = orUndefined(choice<NonNullable<About['layout']>>('out-in', ['out-in', 'in-out', 'taps-out-in']));
const role = orUndefined(choice<NonNullable<About['role']>>('hidden', ['hidden', 'embedding', 'head', 'bias', 'norm']));

/** What was said of parameters, by name. */
const aboutOption: Option<Readonly<Record<string, About>>> = (value, rule, option) => {
  if (value === undefined) return {};
  if (!isPlain(value))
    throw new OptionTypeError(message(rule, option, "an object such as { w: { layout: 'in-out', role: 'hidden' } }", value));
  return record(
    Object.entries(value).map(([name, said]): [string, About] => {
      if (!isPlain(said))
        throw new OptionTypeError(message(rule, `about['${name}']`, "an object such as { layout: 'in-out', role: 'hidden' }", said));
      return [name, resolve(`${rule}: about['${name}']`, said, { layout, role })];
    }),
  );
};

/** By name; what each of them is, `place` looks at. */
const sources: Option<Sources> = (value, rule, option) => {
  if (!isPlain(value))
    throw new OptionTypeError(`${message(rule, option, 'an object such as { w: { shape: [2, 3], data } }', value)}${advice(value)}`);
  const entries = Object.entries(value);
  if (entries.length === 0) throw new GradientError(`${rule}: parameters must hold at least one parameter, received none`);
  return entries;
};

/** What `add` is given. */
const addedOptions = { parameters: sources, about: aboutOption };

const backendOption = <Native, Buffer>(value: unknown, rule: string, option: string): Backend<Mode, Mode, Native, Buffer> => {
  if (isBackend<Native, Buffer>(value)) {
    if (value.specificationVersion !== 1)
      throw new BackendError(
        `createOptimizer: backend must be of specification 1, received ${describe(value.specificationVersion)}; take its package in the version of @opt/core's`,
      );
    return value;
  }
  throw new OptionTypeError(`${message(rule, option, 'a backend such as wasm()', value)}${advice(value)}`);
};

const isBackend = <Native, Buffer>(value: unknown): value is Backend<Mode, Mode, Native, Buffer> =>
  typeof value === 'object' && value !== null && ['specificationVersion', 'create', 'compile', 'readBuffer'].every((name) => name in value);
