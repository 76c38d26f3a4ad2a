import { BackendError, type Shape } from '@opt/core';
import { fill, keep, reshape, type Tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import { fromHost, HostArray, isTensor, sameSize, type Value } from './values.ts';

/** How the backend holds a tensor. */
export interface TfjsBuffer {
  readonly shape: Shape;
  /** The present value, still the buffer's own. */
  readonly value: Value;
  /** Becomes `value`, which is then the buffer's. */
  take(value: Value): void;
  write(data: ArrayLike<number> | Tensor): void;
  release(): void;
}

/** A tensor that survives every `tidy`. */
export class TensorBuffer implements TfjsBuffer {
  readonly shape: Shape;
  private held: Tensor;

  constructor(shape: Shape) {
    this.shape = shape;
    this.held = keep(fill([...shape], 0, 'float32'));
  }

  get value(): Tensor {
    return this.held;
  }

  take(value: Value): void {
    const next = asTensor(value, this.shape);
    this.held.dispose();
    this.held = keep(next);
  }

  write(data: ArrayLike<number> | Tensor): void {
    this.take(tensorOf(data, this.shape));
  }

  release(): void {
    this.held.dispose();
  }
}

/** Somebody else's variable, moved in place. */
export class VariableBuffer implements TfjsBuffer {
  readonly shape: Shape;
  private readonly variable: Variable;
  private readonly outlived: boolean;
  /** What stands for a variable that is gone. */
  private zeros: Tensor | undefined;

  constructor(variable: Variable, outlived = false) {
    this.shape = variable.shape;
    this.variable = variable;
    this.outlived = outlived;
  }

  get value(): Tensor {
    if (!this.outlived || !this.variable.isDisposed) return this.variable;
    this.zeros ??= keep(fill([...this.shape], 0, 'float32'));
    return this.zeros;
  }

  take(value: Value): void {
    const next = asTensor(value, this.shape);
    if (!this.outlived || !this.variable.isDisposed) this.variable.assign(next);
    next.dispose();
  }

  write(data: ArrayLike<number> | Tensor): void {
    this.take(tensorOf(data, this.shape));
  }

  /** The variable stays its owner's. */
  release(): void {
    this.zeros?.dispose();
  }
}

/** f64 in host memory. */
export class HostBuffer implements TfjsBuffer {
  readonly shape: Shape;
  readonly value: HostArray;

  constructor(shape: Shape) {
    this.shape = shape;
    this.value = new HostArray(new Float64Array(shape.reduce((a, b) => a * b, 1)), shape);
  }

  take(value: Value): void {
    if (value instanceof HostArray) this.value.data.set(value.data);
    else if (typeof value === 'number') this.value.data.fill(value);
    else throw new BackendError('tfjs: a wide buffer was given a tensor');
  }

  write(data: ArrayLike<number> | Tensor): void {
    this.value.data.set(isArrayLike(data) ? data : data.dataSync());
  }

  release(): void {}
}

/** The value as a tensor of this shape; a tensor is taken over. */
function asTensor(value: Value, shape: Shape): Tensor {
  if (typeof value === 'number') return fill([...shape], value, 'float32');
  return isTensor(value) ? value : fromHost(value.data, shape);
}

/** A tensor of one's own with these numbers. */
function tensorOf(data: ArrayLike<number> | Tensor, shape: Shape): Tensor {
  if (isArrayLike(data)) return fromHost(data, shape);
  if (!sameSize(data.shape, shape)) throw new BackendError(`tfjs: a tensor of shape [${shape}] was needed, received [${data.shape}]`);
  return tidy(() => reshape(data, [...shape]));
}

const isArrayLike = (data: ArrayLike<number> | Tensor): data is ArrayLike<number> => 'length' in data;

/** Puts results into buffers, every one of which is then the buffer's own. */
export function store(buffers: readonly TfjsBuffer[], results: readonly Value[]): void {
  buffers.forEach((buffer, i) => {
    const value = results[i];
    if (value === undefined) throw new BackendError(`tfjs: a program has no result ${i}`);
    buffer.take(value);
  });
}
