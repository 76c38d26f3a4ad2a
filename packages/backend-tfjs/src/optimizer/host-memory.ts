import type { Floats, Shape } from '@opt/core';
import { backend, type Tensor, tensor } from '@tensorflow/tfjs-core';

/** What tfjs-backend-wasm 4.22 shows of its memory. */
interface Heap {
  readonly wasm: { readonly HEAPU8: Uint8Array };
  getMemoryOffset(dataId: object): number;
}

const isHeap = (value: object): value is Heap =>
  'getMemoryOffset' in value &&
  typeof value.getMemoryOffset === 'function' &&
  'wasm' in value &&
  typeof value.wasm === 'object' &&
  value.wasm !== null &&
  'HEAPU8' in value.wasm &&
  value.wasm.HEAPU8 instanceof Uint8Array;

/** Copies a tensor's numbers into `into`; from tfjs-wasm without the copy that `dataSync` makes. */
export function copyOut(from: Tensor, into: Floats): void {
  const memory: object = backend();
  if (from.dtype !== 'float32' || !isHeap(memory)) {
    into.set(from.dataSync());
    return;
  }
  // The offset first: asking for it may move the tensor there, and grow the memory.
  const offset = memory.getMemoryOffset(from.dataId);
  into.set(new Float32Array(memory.wasm.HEAPU8.buffer, offset, from.size));
}

/** A new tensor with these numbers. tfjs-wasm copies what it is given, the cpu backend keeps it, so there a copy is made. */
export function copyIn(data: Floats, shape: Shape): Tensor {
  if (!(data instanceof Float32Array)) return tensor(Float32Array.from(data), [...shape], 'float32');
  return tensor(isHeap(backend()) ? data : data.slice(), [...shape], 'float32');
}
