import type { Backend, MaybePromise, Mode, Precision } from '../backend.ts';
import { whenDone } from '../backend.ts';
import { BackendError, GradientError, OptionRangeError, ShapeError } from '../errors.ts';
import { message } from '../options/hyper.ts';
import { printShape, type Shape, size } from '../program/shape.ts';
import { Engine, type Placed } from './engine.ts';
import { parameterKey } from './keys.ts';
import type { Optimizer, OptimizerOptions, ParameterSource } from './optimizer.ts';

/**
 * Puts parameters and the state of a transform on a backend. On a backend that runs asynchronously the optimizer comes as a
 * promise; on all others it is there at once, and `step` returns nothing.
 *
 * @throws GradientError without parameters · ShapeError where data and shape differ · every option error of the transform
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
  const made = whenDone(engine.once('construct'), () => engine);
  return backend.run === 'async' ? Promise.resolve(made) : made;
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
