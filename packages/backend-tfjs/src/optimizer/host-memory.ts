import type { Floats } from '@opt/core';
import { backend, type DataId, type KernelBackend, type Tensor, tensor, tidy, type Variable } from '@tensorflow/tfjs-core';

/** What tfjs-backend-wasm 4.22 shows of its memory. */
interface Heap extends KernelBackend {
  readonly wasm: {
    readonly HEAPU8: Uint8Array;
    readonly tfjs: { registerTensor(id: number, size: number, offset: number): void; disposeData(id: number): void };
  };
  readonly dataIdMap: { get(dataId: DataId): { readonly id: number; readonly memoryOffset: number } };
}

const isHeap = (value: KernelBackend): value is Heap =>
  'dataIdMap' in value &&
  'wasm' in value &&
  typeof value.wasm === 'object' &&
  value.wasm !== null &&
  'tfjs' in value.wasm &&
  'HEAPU8' in value.wasm &&
  value.wasm.HEAPU8 instanceof Uint8Array;

/** A tensor's numbers where they are; good until tfjs allocates. */
function view({ wasm, dataIdMap }: Heap, { dataId, size }: Tensor): Float32Array {
  // The offset first: asking for it may move the tensor there, and grow the memory.
  const { memoryOffset } = dataIdMap.get(dataId);
  return new Float32Array(wasm.HEAPU8.buffer, memoryOffset, size);
}

/** After a tensor was written to: what tfjs has prepared from its numbers (packed weights of products) goes. */
function forget({ wasm, dataIdMap }: Heap, { dataId, size }: Tensor): void {
  const { id, memoryOffset } = dataIdMap.get(dataId);
  // Frees nothing of the tensor itself.
  wasm.tfjs.disposeData(id);
  wasm.tfjs.registerTensor(id, size, memoryOffset);
}

/** Numbers of a piece of a copy: within a second-level cache `set` is quicker, 0.11 instead of 0.14 ms for a million of them. */
const piece = 2 ** 17;

function copy(to: Floats, from: Floats): void {
  for (let at = 0; at < from.length; at += piece) to.set(from.subarray(at, at + piece), at);
}

/** Copies a tensor's numbers into `into`; from tfjs-wasm without the copy that `dataSync` makes. */
export function copyOut(from: Tensor, into: Floats): void {
  const memory = backend();
  if (from.dtype === 'float32' && isHeap(memory)) copy(into, view(memory, from));
  else into.set(from.dataSync());
}

/**
 * The variable takes these numbers. In tfjs-wasm they are written where the variable has its own, unless a clone or a reshaped view
 * shares that data: then, and on every other backend, it gets data of its own. (On cpu whoever has read numbers holds the data itself.)
 */
export function copyIn(data: Floats, variable: Variable): void {
  const memory = backend();
  const heap = isHeap(memory);
  if (heap && memory.refCount(variable.dataId) === 1) {
    copy(view(memory, variable), data);
    forget(memory, variable);
    return;
  }
  // tfjs-wasm copies what it is given, cpu keeps it.
  const numbers = data instanceof Float32Array && heap ? data : new Float32Array(data);
  tidy(() => variable.assign(tensor(numbers, variable.shape, 'float32')));
}
