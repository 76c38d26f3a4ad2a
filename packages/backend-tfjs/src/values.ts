import type { Floats, Shape } from '@opt/core';
import { clone, type Tensor, tensor, util } from '@tensorflow/tfjs-core';

/** Numbers in f64 in host memory: what `wide` is wherever the host may read the device. */
export class HostArray {
  readonly data: Float64Array;
  readonly shape: Shape;

  constructor(data: Float64Array, shape: Shape) {
    this.data = data;
    this.shape = shape;
  }
}

/** What a node stands for while a program runs: a scalar the host knows, a tensor of tfjs in f32, or f64 in host memory. */
export type Value = number | Tensor | HostArray;

/** A value, or the several values of a factorisation or a loop. */
export type Cell = Value | readonly Value[];

/** Work that now and then has to see a tensor's numbers: it yields the tensor and is given them. */
export type Reading<T> = Generator<Tensor, T, Floats>;

export const isTensor = (value: Value): value is Tensor => typeof value !== 'number' && !(value instanceof HostArray);

const isParts = (cell: Cell): cell is readonly Value[] => Array.isArray(cell);

/** The value as something tfjs computes with. */
export function operand(value: Value): Tensor | number {
  return value instanceof HostArray ? fromHost(value.data, value.shape) : value;
}

/** A new tensor with these numbers; they are copied. */
export const fromHost = (data: ArrayLike<number>, shape: Shape): Tensor => tensor(Float32Array.from(data), [...shape], 'float32');

/** The same value, on its own: it lives on, and stays as it is, whatever becomes of `value`. */
export function another(value: Value): Value {
  if (value instanceof HostArray) return new HostArray(value.data.slice(), value.shape);
  return isTensor(value) ? clone(value) : value;
}

export function release(cell: Cell): void {
  if (isParts(cell)) for (const value of cell) release(value);
  else if (isTensor(cell)) cell.dispose();
}

export const only = (cell: Cell | undefined): Value => {
  if (cell === undefined || isParts(cell)) throw new RangeError('a node with several parts was used as a value');
  return cell;
};

export const part = (cell: Cell | undefined, index: number): Value => {
  const value = cell !== undefined && isParts(cell) ? cell[index] : undefined;
  if (value === undefined) throw new RangeError(`a node has no part ${index}`);
  return value;
};

/** The numbers of a value in f64. */
export function* wideNumbers(value: Value): Reading<Float64Array> {
  if (typeof value === 'number') return Float64Array.of(value);
  return value instanceof HostArray ? value.data : Float64Array.from(yield value);
}

/** The numbers of a value in f32. */
export function* numbers(value: Value): Reading<Float32Array> {
  if (typeof value === 'number') return Float32Array.of(value);
  return Float32Array.from(value instanceof HostArray ? value.data : yield value);
}

/** What tfjs reads from a tensor of numbers; conditions come as bytes. */
export function floats(data: Float32Array | Int32Array | Uint8Array): Floats {
  return data instanceof Float32Array ? data : Float32Array.from(data);
}

export const sameSize = (a: Shape, b: Shape): boolean => util.sizeFromShape([...a]) === util.sizeFromShape([...b]);
