import { numpy as np } from '@jax-js/jax';
import { BackendError, type DType, type Floats, type Shape, size } from '@opt/core';

export type JaxArray = np.Array;

/** Devices that run and read synchronously. */
export type JaxDevice = 'wasm' | 'cpu';

/** What `working` is in jax-js; everything else (`wide`, and indices, which f64 holds exactly) is f64. */
export const typeOf = (dtype: DType): np.DType => (dtype === 'working' ? np.float32 : np.float64);

/** Numbers in the type that belongs to `dtype`; the array itself where it has that type. */
export function floats(dtype: DType, data: ArrayLike<number>): Floats {
  if (dtype === 'working') return data instanceof Float32Array ? data : Float32Array.from(data);
  return data instanceof Float64Array ? data : Float64Array.from(data);
}

/** Numbers as an array on a device; they are copied. */
export function upload(data: Floats, shape: Shape, device: JaxDevice): JaxArray {
  // A view of SharedArrayBuffer is copied, since jax-js takes none.
  const options = { shape: [...shape], device };
  if (data instanceof Float32Array) return np.array(new Float32Array(data), options);
  return withFloat16Array(() => np.array(new Float64Array(data), options));
}

/** jax-js 0.1.25 asks of every f64 array whether it is a Float16Array, which Node has from 24 on only. It is lent one for the call. */
function withFloat16Array<T>(call: () => T): T {
  if ('Float16Array' in globalThis) return call();
  Object.defineProperty(globalThis, 'Float16Array', { value: class Float16Array {}, configurable: true });
  try {
    return call();
  } finally {
    Reflect.deleteProperty(globalThis, 'Float16Array');
  }
}

/** The numbers of an array, which stays alive. Waits for whatever is to be computed first. */
export function download(array: JaxArray): Floats {
  const data = array.ref.dataSync();
  if (data instanceof Float32Array || data instanceof Float64Array) return data;
  throw new BackendError(`jax-js: arrays of ${array.dtype} cannot be read, only those of float32 and float64`);
}

/** Has everything computed that `arrays` still wait for: jax-js would put it off, and keep all of its operands, until one is read. */
export function settle(arrays: readonly JaxArray[]): void {
  // All results of one call wait for the same list of kernels, so that one read is enough, of one element.
  const [smallest] = [...arrays].sort((a, b) => size(a.shape) - size(b.shape));
  smallest?.ref.slice(...smallest.shape.map(() => 0)).dataSync();
}
