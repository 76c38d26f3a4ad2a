import type { Backend, Mode } from '../../backend.ts';
import { BackendError, OptionRangeError, OptionTypeError, ShapeError } from '../../errors.ts';
import { printShape, type Shape, size } from '../../program/shape.ts';
import { advice, describe, isPlain } from '../../validation/describe.ts';
import { strange } from '../../validation/numbers.ts';
import { parameterKey } from './keys.ts';
import type { Memory } from './memory.ts';

/** A parameter placed on a backend. */
export interface Placed {
  readonly name: string;
  readonly shape: Shape;
}

/** What a parameter starts from: numbers with a shape, or something of the backend's own. */
type Source<Native> = { readonly shape: Shape; readonly data: ArrayLike<number> } | { readonly shape: Shape; readonly native: Native };

/** Puts parameters on a backend, all of them looked at before the first is placed. */
export function place<Native, Buffer>(
  backend: Backend<Mode, Mode, Native, Buffer>,
  memory: Memory<Native, Buffer>,
  given: readonly (readonly [name: string, source: unknown])[],
): Placed[] {
  const sources = given.map(([name, source]) => [name, checked(backend, name, source)] as const);
  const adopted: { readonly name: string; readonly buffer: Buffer }[] = [];
  return sources.map(([name, source]) => {
    const key = parameterKey(name);
    if (size(source.shape) === 0) {
      memory.addEmpty(key);
      return { name, shape: source.shape };
    }
    if ('data' in source) {
      memory.create('parameter', key, source.shape, 'working');
      memory.write(key, source.data);
      return { name, shape: source.shape };
    }
    const taken = backend.adopt?.(source.native, key);
    if (taken === undefined) throw new BackendError(`createOptimizer: backend '${backend.name}' cannot adopt '${name}'`);
    const { buffer, shape } = taken;
    memory.add(key, buffer, shape);
    const other = adopted.find((one) => backend.overlap?.(one.buffer, buffer));
    if (other !== undefined)
      throw new BackendError(
        `createOptimizer: parameters '${other.name}' and '${name}' must be apart, received the same memory for both; give it one name, and the sum of its gradients`,
      );
    adopted.push({ name, buffer });
    return { name, shape };
  });
}

function checked<Native, Buffer>(backend: Backend<Mode, Mode, Native, Buffer>, name: string, source: unknown): Source<Native> {
  const shape = backend.adopt === undefined ? undefined : backend.shapeOf?.(source);
  if (shape !== undefined && isNative<Native>(source)) {
    checkShape(name, shape);
    return { shape, native: source };
  }
  if (!isPlain(source) || !('shape' in source && 'data' in source))
    throw new OptionTypeError(
      `createOptimizer: backend '${backend.name}' takes parameters as { shape, data }, received something else for '${name}': ${describe(source)}${remedy(source)}`,
    );
  return { shape: checkShape(name, source['shape']), data: checkData(backend, name, source['shape'], source['data']) };
}

/** An array without its shape is the usual mistake. */
function remedy(source: unknown): string {
  const bare = ArrayBuffer.isView(source) && 'length' in source ? source.length : Array.isArray(source) ? source.length : undefined;
  return bare === undefined ? advice(source) : `; write { shape: [${bare}], data }`;
}

function checkShape(name: string, shape: unknown): Shape {
  if (!isShape(shape))
    throw new ShapeError(`createOptimizer: shape of '${name}' must be an array of integers >= 0, received ${describe(shape)}`);
  if (!shape.every((n) => Number.isInteger(n) && n >= 0))
    throw new ShapeError(`createOptimizer: shape of '${name}' must be of integers >= 0, received ${printShape(shape)}`);
  return [...shape];
}

const isShape = (value: unknown): value is Shape => Array.isArray(value) && Array.from(value).every((n) => typeof n === 'number');

function checkData({ precision }: { readonly precision: 'f32' | 'f64' }, name: string, shape: unknown, data: unknown): ArrayLike<number> {
  const wanted = size(checkShape(name, shape));
  const what = `createOptimizer: data of '${name}' must be`;
  const length = typeof data === 'object' && data !== null && 'length' in data ? data.length : undefined;
  if (typeof length === 'number' && length !== wanted)
    throw new ShapeError(
      `createOptimizer: '${name}' of shape ${printShape(checkShape(name, shape))} must have ${wanted} values, received ${length}`,
    );
  const wrong = strange(data, wanted);
  if (wrong !== undefined || !isNumbers(data))
    throw new OptionTypeError(`${what} an array of ${wanted} numbers, received ${wrong ?? describe(data)}${advice(data)}`);
  for (let i = 0; i < wanted; i++) {
    const value = data[i] ?? Number.NaN;
    if (!Number.isFinite(precision === 'f32' ? Math.fround(value) : value))
      throw new OptionRangeError(
        `${what} of finite numbers${Number.isFinite(value) ? ` in ${precision}` : ''}, received ${value} at [${i}]`,
      );
  }
  return data;
}

/** By `strange`, which has looked at every element; and by `shapeOf`. */
const isNumbers = (value: unknown): value is ArrayLike<number> => typeof value === 'object';
const isNative = <Native>(_: unknown): _ is Native => true;
