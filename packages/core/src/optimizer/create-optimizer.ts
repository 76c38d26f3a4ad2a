import type { Backend, Floats, MaybePromise, Mode, Result } from '../backend.ts';
import { whenDone } from '../backend.ts';
import { BackendError, GradientError, OptionRangeError, ShapeError } from '../errors.ts';
import type { Objective } from '../objective/objective.ts';
import { message, type Scalar } from '../options/hyper.ts';
import { printShape, type Shape, size } from '../program/shape.ts';
import type { Transform } from '../transform/transform.ts';
import type { LoadReport } from './checkpoint.ts';
import type { Explanation } from './explain.ts';
import { Engine, type Gradients, type Placed } from './optimizer.ts';
import { parameterKey } from './planner.ts';
import type { Draws } from './randomness.ts';

/** Where a parameter starts: row-major values with a shape, or something the backend can adopt. */
export type ParameterSource<Native> = { readonly shape: Shape; readonly data: ArrayLike<number> } | Native;

export interface OptimizerOptions<N extends string, Run extends Mode, Read extends Mode, Native, Buffer> {
  /** A rule, or any transform that moves parameters. */
  readonly transform: Transform;
  /** By name; the order is that of joined state. */
  readonly parameters: Readonly<Record<N, ParameterSource<NoInfer<Native>>>>;
  readonly backend: Backend<Run, Read, Native, Buffer>;
  /** Of all random draws; default 0. Same seed, same bits, on the same backend. */
  readonly seed?: number;
  /** Random numbers from outside, in place of the seed's: for replays and tests. */
  readonly draws?: Draws;
}

/** Parameters, their optimizer state, and the programs that move them, on one backend. */
export interface Optimizer<N extends string = string, Run extends Mode = Mode, Read extends Mode = Mode, Native = never> {
  /**
   * One step. A parameter whose gradient is left out, null or undefined is left alone. Gradients are read before `step`
   * returns; nothing has changed if it throws, except on `StepInterrupted`. An objective is asked for what this step needs.
   */
  step(gradients: Gradients<N, Native>): Result<Run, void>;
  step(objective: Objective<N, 'sync', Native>): Run extends 'sync' ? Result<Read, void> : Promise<void>;
  step(objective: Objective<N, Mode, Native>): MaybePromise<void>;
  /** Current values; on a backend in host memory, live views. */
  readonly parameters: { readonly [K in N]: Result<Read, Floats> };
  /** The buffers gradients are read from; on a backend in host memory, views that a caller may fill itself and hand to `step`. */
  readonly gradients: { readonly [K in N]: Result<Read, Floats> };
  /** State by key, such as `soap/adam.m:layer.weight`. */
  readonly state: Readonly<Record<string, Result<Read, Floats>>>;
  readonly stateBytes: number;
  /** Calls dropped because of a gradient that was not finite. */
  readonly skippedSteps: Result<Read, number>;
  /** Compiled programs held at present. */
  readonly programs: number;
  /** Changes a live hyperparameter by name, with a label in front where several share the name: `set('matrices/learningRate', 1e-3)`. */
  set(address: string, value: Scalar): void;
  /** Everything needed to go on bit for bit, as a safetensors file. */
  save(): Result<Read, Uint8Array>;
  /** Takes over a saved state, hyperparameters that were numbers included, or throws a `CheckpointError` and changes nothing. */
  load(file: Uint8Array): Result<Run, LoadReport>;
  /** Ends training: an averaged model takes its average. */
  finalize(): Result<Run, void>;
  /** The programs of the first calls (default 1000) with their cost; `toString()` prints them. */
  explain(calls?: number): Explanation;
  /** Frees every buffer and program. The backend stays. */
  dispose(): void;
}

/**
 * Puts parameters and the state of a transform on a backend. On a backend that runs asynchronously the optimizer comes as a
 * promise; on all others it is there at once, and `step` returns nothing.
 *
 * @throws GradientError without parameters · ShapeError where data and shape differ · every option error of the transform
 */
export function createOptimizer<N extends string, Native = never, Buffer = unknown>(
  options: OptimizerOptions<N, 'sync', 'sync', Native, Buffer>,
): Optimizer<N, 'sync', 'sync', Native>;
export function createOptimizer<N extends string, Native = never, Buffer = unknown>(
  options: OptimizerOptions<N, 'sync', 'async', Native, Buffer>,
): Optimizer<N, 'sync', 'async', Native>;
export function createOptimizer<N extends string, Native = never, Buffer = unknown>(
  options: OptimizerOptions<N, 'async', 'async', Native, Buffer>,
): Promise<Optimizer<N, 'async', 'async', Native>>;
export function createOptimizer<N extends string, Native = never, Buffer = unknown>(
  options: OptimizerOptions<N, Mode, Mode, Native, Buffer>,
): MaybePromise<Optimizer<N, Mode, Mode, Native>>;
// The engine serves every mode; which one it is in, only the overloads above can say.
export function createOptimizer<Native, Buffer>(options: OptimizerOptions<string, Mode, Mode, Native, Buffer>): MaybePromise<object> {
  const { transform, backend, seed = 0, draws } = options;
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)
    throw new OptionRangeError(message('createOptimizer', 'seed', 'an integer in [0, 2^32)', seed));
  const sources = Object.entries(options.parameters);
  if (sources.length === 0) throw new GradientError('createOptimizer: parameters must hold at least one parameter, received none');
  for (const [name, source] of sources) validate(name, source);
  const placed: Placed<Buffer>[] = [];
  let engine: Engine<Native, Buffer>;
  try {
    for (const [name, source] of sources) placed.push(place(backend, name, source));
    engine = new Engine(transform, placed, backend, { seed, draws });
  } catch (error) {
    for (const { buffer } of placed) backend.release(buffer);
    throw error;
  }
  return whenDone(engine.once('construct'), () => engine);
}

interface Given {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}

const isGiven = (source: unknown): source is Given =>
  typeof source === 'object' &&
  source !== null &&
  'data' in source &&
  typeof source.data === 'object' &&
  'shape' in source &&
  Array.isArray(source.shape);

function validate(name: string, source: unknown): void {
  if (name === '' || name === '*') throw new ShapeError(`createOptimizer: a parameter cannot be called '${name}'`);
  if (!isGiven(source)) return;
  const { shape, data } = source;
  if (!shape.every((n) => Number.isInteger(n) && n > 0))
    throw new ShapeError(`createOptimizer: shape of '${name}' must be of integers >= 1, received ${printShape(shape)}`);
  if (data.length !== size(shape))
    throw new ShapeError(
      `createOptimizer: '${name}' of shape ${printShape(shape)} must have ${size(shape)} values, received ${data.length}`,
    );
}

function place<Native, Buffer>(
  backend: Backend<Mode, Mode, Native, Buffer>,
  name: string,
  source: ParameterSource<Native>,
): Placed<Buffer> {
  if (!isGiven(source)) {
    const adopted = backend.adopt?.(source, parameterKey(name));
    if (adopted === undefined)
      throw new BackendError(
        `createOptimizer: backend '${backend.name}' takes parameters as { shape, data }, received something else for '${name}'`,
      );
    return { name, ...adopted };
  }
  const buffer = backend.create('parameter', parameterKey(name), source.shape, 'working');
  backend.write(buffer, source.data);
  return { name, shape: source.shape, buffer };
}
