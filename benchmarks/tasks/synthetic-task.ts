import type { numpy as np } from '@jax-js/jax';
import { type Floats, mapValues, required, type Shape } from '@opt/core';
import { type Draw, stream } from '../../examples/race/src/stream.ts';
import { differentiated, startJax, upload } from './jax.ts';
import type { LossAndGradients, Parameter, Task, TaskName, Values } from './task.ts';

/** What one seed poses: where the only parameter starts, and the matrices the loss knows. */
export interface Problem {
  readonly start: Float32Array;
  readonly data: Readonly<Record<string, Parameter>>;
}

export interface LossAndGradient {
  readonly loss: number;
  readonly gradient: Float32Array;
}

/** Loss and gradient of one problem by its parameter. */
interface Evaluator {
  at(parameter: Floats): LossAndGradient;
  dispose(): void;
}

/** Makes the evaluators of all problems of a task, whose parameter has this shape. */
type Method = (shape: Shape) => (data: readonly Parameter[]) => Evaluator;

/** The loss, a scalar, by the parameter and the matrices in their order; differentiated by jax-js, compiled once. */
export const byJax =
  (loss: (parameter: np.Array, ...data: np.Array[]) => np.Array): Method =>
  (shape) => {
    const compiled = differentiated({ x: shape }, (parameters, ...data) => loss(required(parameters, 'x', 'parameter'), ...data));
    return (data) => {
      const arrays = data.map((one) => upload(one.data, one.shape));
      return {
        at(x) {
          const { loss: value, gradients } = compiled({ x }, ...arrays.map((array) => array.ref));
          return { loss: value, gradient: required(gradients, 'x', 'gradient') };
        },
        dispose() {
          for (const array of arrays) array.dispose();
        },
      };
    };
  };

/** Loss and gradient by the parameter and the problem's only matrix, in one go on the host. */
export const byHand =
  (f: (parameter: Floats, matrix: Float32Array) => LossAndGradient): Method =>
  () =>
  ([matrix]) => {
    if (matrix === undefined) throw new Error('a problem by hand needs a matrix');
    return { at: (parameter) => f(parameter, matrix.data), dispose() {} };
  };

export interface SyntheticTask {
  readonly name: TaskName;
  /** Name and shape of the parameter. */
  readonly parameter: string;
  readonly shape: Shape;
  /** Draws `data` from stream (seed, 3) and `weights` from stream (seed, 1). */
  problem(draws: Readonly<Record<'data' | 'weights', Draw>>): Problem;
  readonly method: Method;
}

/** A task on one matrix: 1000 steps, each on the whole problem, no smoothing, nothing to test. */
export function syntheticTask({ name, parameter, shape, problem, method }: SyntheticTask): Task {
  const evaluatorOf = method(shape);
  return {
    name,
    steps: 1000,
    batchSize: undefined,
    smoothingSigma: 0,
    testEvery: undefined,
    lossAxis: 'log',
    testLossAxis: 'log',
    async start(seed) {
      await startJax();
      const { start, data } = problem({ data: stream(seed, 'data'), weights: stream(seed, 'weights') });
      const evaluator = evaluatorOf(Object.values(data));
      const step = (parameters: Values): LossAndGradients => {
        const { loss, gradient } = evaluator.at(required(parameters, parameter, 'parameter'));
        return { loss, gradients: { [parameter]: gradient } };
      };
      return {
        parameters: { [parameter]: { shape, data: start } },
        data: mapValues(data, (one) => one.data),
        step,
        again: step,
        batch: new Uint32Array(0),
        test: undefined,
        dispose: () => evaluator.dispose(),
      };
    },
  };
}
