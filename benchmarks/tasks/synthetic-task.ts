import type { numpy as np } from '@jax-js/jax';
import { mapValues, required, type Shape } from '@opt/core';
import { type Draw, stream } from '../../examples/race/src/stream.ts';
import { differentiated, startJax, upload } from './jax.ts';
import type { Parameter, Task, TaskName } from './task.ts';

/** What one seed poses: where the only parameter starts, and the matrices the loss knows. */
export interface Problem {
  readonly start: Float32Array;
  readonly data: Readonly<Record<string, Parameter>>;
}

export interface SyntheticTask {
  readonly name: TaskName;
  /** Name and shape of the parameter. */
  readonly parameter: string;
  readonly shape: Shape;
  /** Draws `data` from stream (seed, 3) and `weights` from stream (seed, 1). */
  problem(draws: Readonly<Record<'data' | 'weights', Draw>>): Problem;
  /** The loss, a scalar, by the parameter and the matrices in their order. */
  loss(parameter: np.Array, ...data: np.Array[]): np.Array;
}

/** What all tasks on one matrix have in common: 1000 steps, each on the whole problem, no smoothing, nothing to test. */
export const syntheticSettings = {
  steps: 1000,
  batchSize: undefined,
  smoothingSigma: 0,
  testEvery: undefined,
  lossAxis: 'log',
  testLossAxis: 'log',
} as const satisfies Omit<Task, 'name' | 'start'>;

/** A task on one matrix whose loss jax-js differentiates. */
export function syntheticTask({ name, parameter, shape, problem, loss }: SyntheticTask): Task {
  const gradient = differentiated({ [parameter]: shape }, (parameters, ...data) =>
    loss(required(parameters, parameter, 'parameter'), ...data),
  );
  return {
    name,
    ...syntheticSettings,
    async start(seed) {
      await startJax();
      const { start, data } = problem({ data: stream(seed, 'data'), weights: stream(seed, 'weights') });
      const arrays = Object.values(data).map(({ shape: given, data: numbers }) => upload(numbers, given));
      return {
        parameters: { [parameter]: { shape, data: start } },
        data: mapValues(data, ({ data: numbers }) => numbers),
        step: (parameters) => gradient(parameters, ...arrays.map((array) => array.ref)),
        batch: new Uint32Array(0),
        test: undefined,
        dispose() {
          for (const array of arrays) array.dispose();
        },
      };
    },
  };
}
