import { CheckpointError, type CheckpointParts, type Floats, type Shape } from '@opt/core';
import { keep, scalar, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { decodeHost, encodeHost, type SavedState } from './saved-state.ts';

type CheckpointTensor = CheckpointParts['tensors'] extends ReadonlyMap<string, infer T> ? T : never;

/** How tfjs passes weights and gradients about; its own type of this name is not exported. */
export interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
}

/** Steps taken, and the state if there has been one. */
export interface Saved {
  readonly iterations: number;
  readonly state: SavedState | undefined;
}

/** Name of the weight that carries counters, hyperparameters and the names of the parameters. */
const hostName = 'opt-host';

/**
 * What weights say that were handed out, by the first of them: they can be taken back after their tensors are gone, which is when the
 * state that they held has changed and new ones were asked for.
 */
const handedOut = new WeakMap<Tensor, { readonly weights: readonly NamedTensor[]; readonly saved: Saved }>();

/** A state as weights of tfjs: `iter`, the host's state, then every slot by its key. f64 travels as its bits, in int32. */
export function toWeights(saved: Saved): NamedTensor[] {
  const { iterations, state } = saved;
  const iter = { name: 'iter', tensor: keep(scalar(iterations, 'int32')) };
  const weights =
    state === undefined
      ? [iter]
      : [
          iter,
          { name: hostName, tensor: keep(tensor(encodeHost(state), undefined, 'int32')) },
          ...[...state.tensors].map(([name, one]) => ({ name, tensor: keep(toTensor(one)) })),
        ];
  handedOut.set(iter.tensor, { weights, saved });
  return weights;
}

function toTensor({ shape, data }: CheckpointTensor): Tensor {
  if (data instanceof Float32Array) return tensor(data.slice(), [...shape], 'float32');
  return tensor(new Int32Array(data.slice().buffer), [...shape, 2], 'int32');
}

/** What `toWeights` was given. Every tensor is read before the promise comes true. */
export async function fromWeights(given: unknown): Promise<Saved> {
  if (!isWeights(given))
    throw new CheckpointError("setWeights: weights must be an array of { name, tensor }, as 'await optimizer.getWeights()' gives them");
  const [iter, host, ...slots] = given;
  const known = iter && handedOut.get(iter.tensor);
  if (known !== undefined && known.weights.length === given.length && known.weights.every(({ tensor }, i) => tensor === given[i]?.tensor))
    return known.saved;
  if (iter?.name === 'iter' && given.length === 1) return { iterations: (await iter.tensor.data())[0] ?? 0, state: undefined };
  if (iter === undefined || host === undefined || host.name !== hostName) {
    throw new CheckpointError(
      `setWeights: the weights must begin with 'iter' and '${hostName}', as getWeights gives them; received ${given.map(({ name }) => `'${name}'`).join(', ') || 'none'}`,
    );
  }
  const [counted, text, ...data] = await Promise.all([iter, host, ...slots].map((weight) => weight.tensor.data()));
  const tensors = new Map<string, CheckpointTensor>();
  slots.forEach(({ name, tensor: { shape } }, i) => {
    const numbers = data[i];
    if (numbers !== undefined) tensors.set(name, fromNumbers(numbers, shape));
  });
  return { iterations: counted?.[0] ?? 0, state: { ...decodeHost(text ?? []), tensors } };
}

const isWeights = (value: unknown): value is readonly NamedTensor[] =>
  Array.isArray(value) &&
  value.every(
    (one) =>
      typeof one === 'object' && one !== null && typeof one.name === 'string' && typeof one.tensor === 'object' && one.tensor !== null,
  );

function fromNumbers(numbers: Float32Array | Int32Array | Uint8Array, shape: Shape): CheckpointTensor {
  if (!(numbers instanceof Int32Array)) return { shape, data: Float32Array.from(numbers) };
  const bits: Floats = new Float64Array(numbers.slice().buffer);
  return { shape: shape.slice(0, -1), data: bits };
}
