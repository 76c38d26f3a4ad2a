import { CheckpointError, type Floats, type Shape } from '@opt/core';
import { keep, scalar, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { type Checkpoint, decodeHost, encodeHost, isParameterKey, type SavedTensor } from './checkpoint-file.ts';

/** How tfjs passes weights and gradients about; its own type of this name is not exported. */
export interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
}

/** Name of the weight that carries counters, hyperparameters and the names of the parameters. */
export const hostName = 'opt-host';

/**
 * A checkpoint as weights of tfjs: `iter`, the host's state, then every slot by its key. Parameters are left out, the model has
 * them. f64 travels as its bits, in int32.
 */
export function toWeights(checkpoint: Checkpoint | undefined, iterations: number): NamedTensor[] {
  const iter = { name: 'iter', tensor: keep(scalar(iterations, 'int32')) };
  if (checkpoint === undefined) return [iter];
  const slots = [...checkpoint.tensors].filter(([key]) => !isParameterKey(key));
  return [
    iter,
    { name: hostName, tensor: keep(tensor(encodeHost(checkpoint), undefined, 'int32')) },
    ...slots.map(([name, saved]) => ({ name, tensor: keep(toTensor(saved)) })),
  ];
}

function toTensor({ shape, data }: SavedTensor): Tensor {
  if (data instanceof Float32Array) return tensor(data.slice(), [...shape], 'float32');
  return tensor(new Int32Array(data.slice().buffer), [...shape, 2], 'int32');
}

/** What `toWeights` was given, without parameters. Every tensor is read before the promise comes true. */
export async function fromWeights(
  weights: readonly NamedTensor[],
): Promise<{ readonly iterations: number; readonly checkpoint: Checkpoint | undefined }> {
  const [iter, host, ...slots] = weights;
  if (iter?.name === 'iter' && weights.length === 1) return { iterations: (await iter.tensor.data())[0] ?? 0, checkpoint: undefined };
  if (iter === undefined || host === undefined || host.name !== hostName) {
    throw new CheckpointError(
      `setWeights: the weights must begin with 'iter' and '${hostName}', as getWeights gives them; received ${weights.map(({ name }) => `'${name}'`).join(', ') || 'none'}`,
    );
  }
  const [counted, text, ...data] = await Promise.all([iter, host, ...slots].map((weight) => weight.tensor.data()));
  const tensors = new Map<string, SavedTensor>();
  slots.forEach(({ name, tensor: { shape } }, i) => {
    const numbers = data[i];
    if (numbers !== undefined) tensors.set(name, fromNumbers(numbers, shape));
  });
  return { iterations: counted?.[0] ?? 0, checkpoint: { ...decodeHost(text ?? []), tensors } };
}

function fromNumbers(numbers: Float32Array | Int32Array | Uint8Array, shape: Shape): SavedTensor {
  if (!(numbers instanceof Int32Array)) return { shape, data: Float32Array.from(numbers) };
  const bits: Floats = new Float64Array(numbers.slice().buffer);
  return { shape: shape.slice(0, -1), data: bits };
}
