import { numpy as np } from '@jax-js/jax';
import { BackendError, DisposedError, type DType, printShape, type Shape, sameShape } from '@opt/core';
import { floats, type JaxArray, typeOf, upload } from './jax.ts';

/**
 * A place that holds one array, and another after every step: jax-js arrays never change, so a parameter that an optimizer moves
 * has to be asked for its value of today. It is also how this backend holds every other tensor.
 */
export class JaxVariable {
  readonly shape: Shape;
  readonly dtype: DType;
  private held: JaxArray | undefined;

  /** Consumes `array`. */
  constructor(array: JaxArray, dtype: DType = 'working') {
    this.shape = [...array.shape];
    this.dtype = dtype;
    this.held = array.dtype === typeOf(dtype) ? array : array.astype(typeOf(dtype));
  }

  /** The array held at present, lent: hand `variable.value.ref` to functions of jax-js, which consume what they are given. */
  get value(): JaxArray {
    if (this.held === undefined) throw new DisposedError('a variable of jax-js');
    return this.held;
  }

  /** Puts another array in the place of the old one, which is freed. Consumes `array`. */
  set(array: JaxArray): void {
    if (!sameShape(array.shape, this.shape))
      throw new BackendError(`jax-js: an array of shape ${printShape(this.shape)} is needed, received shape ${printShape(array.shape)}`);
    if (array.device !== this.value.device)
      throw new BackendError(`jax-js: an array on device '${this.value.device}' is needed, received one on '${array.device}'`);
    this.value.dispose();
    this.held = array.dtype === typeOf(this.dtype) ? array : array.astype(typeOf(this.dtype));
  }

  /** Copies numbers in. */
  write(data: ArrayLike<number>): void {
    const device = this.value.device === 'cpu' ? 'cpu' : 'wasm';
    this.set(upload(floats(this.dtype, data), this.shape, device));
  }

  /** Frees the array. */
  dispose(): void {
    this.value.dispose();
    this.held = undefined;
  }
}

/** A parameter that an optimizer moves and your loss reads: `createOptimizer({ parameters: { w: variable(w) } })`. Consumes `array`. */
export const variable = (array: JaxArray): JaxVariable => new JaxVariable(array);

/** Whether a value is an array of jax-js. */
export const isArray = (value: unknown): value is JaxArray => value instanceof np.Array;
