import { grad, jit, jvp, numpy as np, type OwnedFunction, vmap } from '@jax-js/jax';
import {
  advice,
  describe,
  isPlain,
  mapValues,
  message,
  type Objective,
  ObjectiveError,
  OptionTypeError,
  type Shape,
  size,
  type Values,
} from '@opt/core';

/** A model as jax-js sees it. Operations of jax-js consume what they are given: use `x.ref` for every use but the last. */
export interface JaxProblem<N extends string> {
  readonly shapes: Readonly<Record<N, Shape>>;
  /** The loss of a batch, a scalar. */
  loss(parameters: Record<N, np.Array>, ...batch: np.Array[]): np.Array;
  /** The loss, or the residual, of one sample, whose arrays lack the batch's first axis; for per-sample gradients. */
  sample?(parameters: Record<N, np.Array>, ...sample: np.Array[]): np.Array;
}

/** One array of a batch; its first axis counts samples. */
export interface JaxBatch {
  readonly data: ArrayLike<number>;
  readonly shape: Shape;
}

/** What computes a batch sample by sample. */
interface PerSample {
  readonly gradients: OwnedFunction<(parameters: np.Array[], ...batch: np.Array[]) => np.Array[]>;
  readonly losses: OwnedFunction<(parameters: np.Array[], ...batch: np.Array[]) => np.Array>;
}

/** Objectives of one problem, one for each batch. Every function is compiled once per shape of the batch. */
export interface JaxObjective<N extends string> {
  /** The objective at `parameters`, which are read whenever something is asked, or where a stage asks, on this batch. */
  at(parameters: Values<N>, ...batch: JaxBatch[]): Required<Pick<Objective<N, 'sync'>, 'loss' | 'hvp'>> & Objective<N, 'sync'>;
  /** Frees what was compiled. */
  dispose(): void;
}

/**
 * An objective for `optimizer.step` from a jax-js function: gradients by `grad`, products with the Hessian by `jvp(grad)`, per-sample
 * gradients by `vmap(grad)`, all under `jit`, in f32, on jax-js's default device.
 */
export function jaxObjective<N extends string>(problem: JaxProblem<N>): JaxObjective<N> {
  checkProblem(problem);
  const { shapes } = problem;
  const names = Object.keys(shapes);
  // Inside, parameters are a list in the order of their shapes.
  const named = (list: readonly np.Array[]): Record<N, np.Array> =>
    mapValues(shapes, (_, name) => {
      const array = list[names.indexOf(name)];
      if (array === undefined) throw new ObjectiveError(`jaxObjective: parameter '${name}' is missing`);
      return array;
    });
  const loss = (parameters: np.Array[], ...batch: np.Array[]): np.Array => problem.loss(named(parameters), ...batch);
  const sample = (parameters: np.Array[], ...one: np.Array[]): np.Array => {
    if (problem.sample === undefined) throw new ObjectiveError('jaxObjective: sample is needed for per-sample gradients');
    return problem.sample(named(parameters), ...one);
  };
  const gradient = (parameters: np.Array[], ...batch: np.Array[]): np.Array[] => grad(loss)(parameters, ...batch);
  const compiled = {
    loss: jit(loss),
    gradient: jit(gradient),
    product: jit((parameters: np.Array[], v: np.Array[], ...batch: np.Array[]): np.Array[] => {
      const still = batch.map((x) => np.zerosLike(x.ref));
      const [value, product] = jvp(gradient, [parameters, ...batch], [v, ...still]);
      for (const part of value) part.dispose();
      return product;
    }),
  };
  const perSample = new Map<number, PerSample>();

  /** Gradients and losses of every sample of a batch of this many arrays. */
  function samplesOf(arrays: number): PerSample {
    const axes = [null, ...Array.from({ length: arrays }, () => 0)];
    const known = perSample.get(arrays) ?? { gradients: jit(vmap(grad(sample), axes)), losses: jit(vmap(sample, axes)) };
    perSample.set(arrays, known);
    return known;
  }

  const upload = (values: Readonly<Record<N, ArrayLike<number>>>): np.Array[] =>
    Object.values<np.Array>(mapValues(shapes, (shape, name) => array(values[name], shape)));
  const arraysOf = (batch: readonly JaxBatch[]): np.Array[] => batch.map(({ data, shape }) => array(data, shape));
  const download = (list: readonly np.Array[]): Record<N, Float32Array> => mapValues(named(list), numbers);

  return {
    at(parameters, ...batch) {
      batch.forEach(checkBatch);
      const samples = batch[0]?.shape[0];
      return {
        gradients: (at = parameters) => download(compiled.gradient(upload(at), ...arraysOf(batch))),
        loss: (at = parameters) => numbers(compiled.loss(upload(at), ...arraysOf(batch)))[0] ?? Number.NaN,
        hvp: (v, at = parameters) => download(compiled.product(upload(at), upload(v), ...arraysOf(batch))),
        ...(samples !== undefined &&
          problem.sample !== undefined && {
            samples,
            perSampleGradients: () => {
              const { gradients, losses } = samplesOf(batch.length);
              return {
                gradients: download(gradients(upload(parameters), ...arraysOf(batch))),
                losses: numbers(losses(upload(parameters), ...arraysOf(batch))),
              };
            },
          }),
      };
    },
    dispose() {
      compiled.loss.dispose();
      compiled.gradient.dispose();
      compiled.product.dispose();
      for (const { gradients, losses } of perSample.values()) {
        gradients.dispose();
        losses.dispose();
      }
    },
  };
}

const parts: readonly string[] = ['shapes', 'loss', 'sample'];

/** @throws OptionTypeError */
function checkProblem(problem: unknown): void {
  if (!isPlain(problem)) throw new OptionTypeError(message('jaxObjective', 'problem', 'an object such as { shapes, loss }', problem));
  const unknown = Object.keys(problem).find((part) => !parts.includes(part));
  if (unknown !== undefined) throw new OptionTypeError(`jaxObjective: unknown part '${unknown}', known are ${parts.join(', ')}`);
  const { shapes, loss, sample } = problem;
  if (!isPlain(shapes) || !Object.values(shapes).every(isShape))
    throw new OptionTypeError(message('jaxObjective', 'shapes', 'an object of shapes by parameter name, of integers >= 1', shapes));
  if (typeof loss !== 'function') throw new OptionTypeError(message('jaxObjective', 'loss', 'a function', loss));
  if (sample !== undefined && typeof sample !== 'function')
    throw new OptionTypeError(message('jaxObjective', 'sample', 'a function', sample));
}

const isShape = (value: unknown): value is Shape => Array.isArray(value) && value.every((n) => Number.isInteger(n) && n > 0);

/** @throws ObjectiveError */
function checkBatch(one: unknown, i: number): void {
  if (!isPlain(one) || !isShape(one['shape']) || typeof one['data'] !== 'object' || one['data'] === null)
    throw new ObjectiveError(`jaxObjective: array ${i + 1} of the batch must be { data, shape }, received ${describe(one)}${advice(one)}`);
  const length = 'length' in one['data'] ? one['data'].length : undefined;
  if (length !== size(one['shape']))
    throw new ObjectiveError(
      `jaxObjective: array ${i + 1} of the batch must have ${size(one['shape'])} values for shape [${one['shape']}], received ${describe(length)}`,
    );
}

const array = (data: ArrayLike<number>, shape: Shape): np.Array => np.array(Float32Array.from(data), { shape: [...shape] });

/** The numbers of an array, which is used up. */
function numbers(array: np.Array): Float32Array {
  const data = array.dataSync();
  if (data instanceof Float32Array) return data;
  throw new ObjectiveError(`jaxObjective: the function must compute in float32, it gave ${array.dtype}`);
}
