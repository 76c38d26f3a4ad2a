import { BackendError } from '@opt/core';
import type { InferenceSession, Tensor, TypedTensor } from 'onnxruntime-node';

/** What is used of ONNX Runtime: `onnxruntime-node` itself, or anything else that has the same two classes. */
export interface OnnxEngine {
  readonly InferenceSession: {
    create(model: Uint8Array, options?: InferenceSession.SessionOptions): Promise<OnnxSession>;
  };
  readonly Tensor: {
    new (type: 'float32', data: Float32Array, dims: readonly number[]): TypedTensor<'float32'>;
    new (type: 'float64', data: Float64Array, dims: readonly number[]): TypedTensor<'float64'>;
  };
}

export interface OnnxSession {
  run(feeds: Tensors, fetches?: Tensors): Promise<Readonly<Record<string, { readonly data: unknown }>>>;
  release(): Promise<void>;
}

export type Tensors = Readonly<Record<string, Tensor>>;

/**
 * Loads ONNX Runtime, which is a peer dependency.
 *
 * @throws BackendError that says what to install
 */
export async function loadEngine(load: () => Promise<OnnxEngine> = () => import('onnxruntime-node')): Promise<OnnxEngine> {
  try {
    return await load();
  } catch (cause) {
    const why = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
    throw new BackendError(`onnx: onnxruntime-node cannot be loaded (${why}): install it with 'npm install onnxruntime-node@1.30.0'`, {
      cause,
    });
  }
}
