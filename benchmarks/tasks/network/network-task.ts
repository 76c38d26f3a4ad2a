import { jit, type numpy as np } from '@jax-js/jax';
import { required, type Shape, size } from '@opt/core';
import { batches } from '../../../examples/race/src/batches.ts';
import { stream } from '../../../examples/race/src/stream.ts';
import { differentiated, scalar, startJax, upload, uploadAll } from '../jax.ts';
import type { LossAndGradients, Task, TaskRun, Tested, Values } from '../task.ts';
import { initialValues, type Layer, type Weights } from './layer.ts';

/** One value per sample, of the given shape; row-major. */
export interface Column {
  readonly shape: Shape;
  readonly data: Float32Array;
}

export interface Samples {
  readonly count: number;
  readonly inputs: Column;
  readonly targets: Column;
}

export interface NetworkTask extends Omit<Task, 'start'> {
  readonly network: Layer;
  /** Mean loss of a batch. */
  loss(outputs: np.Array, targets: np.Array): np.Array;
  /** Share of right answers, where there are such. */
  readonly accuracy?: (outputs: np.Array, targets: np.Array) => np.Array;
  samples(): { readonly train: Samples; readonly test: Samples };
  /** What of the samples a seed decides; default nothing. */
  data?(): TaskRun['data'];
}

type Loss = (parameters: Record<string, np.Array>, x: np.Array, targets: np.Array) => np.Array;

/** A task that trains a network on samples: initial weights from stream (seed, 1), batches from stream (seed, 2). */
export function networkTask({ network, loss, accuracy, samples, data, ...task }: NetworkTask): Task {
  const shapes = Object.fromEntries(network.parameters.map(({ name, shape }) => [name, shape]));
  const lossOf: Loss = (parameters, x, targets) => loss(network.apply(weightsOf(parameters), x), targets);
  const gradient = differentiated(shapes, lossOf);
  const measured = jit((parameters: Record<string, np.Array>, x: np.Array, targets: np.Array): np.Array[] => {
    const outputs = network.apply(weightsOf(parameters), x);
    return accuracy === undefined ? [loss(outputs, targets)] : [loss(outputs.ref, targets.ref), accuracy(outputs, targets)];
  });
  let loaded: ReturnType<typeof samples> | undefined;

  return {
    ...task,
    async start(seed, batchSize = task.batchSize) {
      await startJax();
      loaded ??= samples();
      const { train, test } = loaded;
      const whole = batchSize === undefined ? arraysOf(train) : undefined;
      const nextBatch = batches(train.count, batchSize ?? train.count, stream(seed, 'batches'));
      let batch = new Uint32Array(0);
      const again = (parameters: Values): LossAndGradients =>
        gradient(parameters, ...(whole?.map((array) => array.ref) ?? arraysOf(pick(train, batch))));
      const step = (parameters: Values): LossAndGradients => {
        if (whole === undefined) batch = Uint32Array.from(nextBatch());
        return again(parameters);
      };
      return {
        parameters: initialValues(network, stream(seed, 'weights')),
        data: data?.() ?? {},
        step,
        again,
        get batch() {
          return batch;
        },
        test(parameters): Tested {
          const [value, share] = measured(uploadAll(shapes, parameters), ...arraysOf(test));
          if (value === undefined) throw new Error(`${task.name}: the test gave no loss`);
          return { loss: scalar(value), accuracy: share && scalar(share) };
        },
        dispose() {
          for (const array of whole ?? []) array.dispose();
        },
      };
    },
  };
}

const weightsOf =
  (parameters: Record<string, np.Array>): Weights =>
  (name) =>
    required(parameters, name, 'parameter');

const arraysOf = ({ count, inputs, targets }: Samples): [np.Array, np.Array] => [
  upload(inputs.data, [count, ...inputs.shape]),
  upload(targets.data, [count, ...targets.shape]),
];

/** The given rows, in that order. */
const pick = ({ inputs, targets }: Samples, indices: Uint32Array): Samples => ({
  count: indices.length,
  inputs: rows(inputs, indices),
  targets: rows(targets, indices),
});

function rows({ shape, data }: Column, indices: Uint32Array): Column {
  const width = size(shape);
  const picked = new Float32Array(indices.length * width);
  indices.forEach((index, row) => {
    picked.set(data.subarray(index * width, (index + 1) * width), row * width);
  });
  return { shape, data: picked };
}
