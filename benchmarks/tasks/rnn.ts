import { numpy as np } from '@jax-js/jax';
import { labelled } from './mnist1d.ts';
import { accuracy, crossEntropy } from './network/cross-entropy.ts';
import { type Layer, sequence } from './network/layer.ts';
import { linear } from './network/linear.ts';
import { networkTask } from './network/network-task.ts';
import type { Task } from './task.ts';

const width = 40;
const length = 40;

const cell = (name: string, inputs: number): Layer['parameters'] => [
  { name: `${name}.input`, shape: [width, inputs], start: { fan: width } },
  { name: `${name}.hidden`, shape: [width, width], start: { fan: width } },
  { name: `${name}.inputBias`, shape: [width], start: { fan: width } },
  { name: `${name}.hiddenBias`, shape: [width], start: { fan: width } },
];

/** 1 − 2/(e^2z + 1): one exponential, where jax-js's own tanh is five kernels. */
const tanh = (z: np.Array): np.Array =>
  np
    .reciprocal(np.exp(z.mul(2)).add(1))
    .mul(-2)
    .add(1);

/** Two layers of h_t = tanh(W_i x_t + b_i + W_h h_{t−1} + b_h) with h_0 = 0, the second fed by the first: [n, 40] → the last h [n, 40]. */
const recurrent: Layer = {
  parameters: [...cell('rnn0', 1), ...cell('rnn1', width)],
  apply(weights, x) {
    const [n = 0] = x.shape;
    const layer = (name: string) => ({
      input: weights(`${name}.input`),
      hidden: weights(`${name}.hidden`),
      bias: weights(`${name}.inputBias`).add(weights(`${name}.hiddenBias`)),
    });
    const [first, second] = [layer('rnn0'), layer('rnn1')];
    const column = first.input.reshape([width]);
    let [lower, upper] = [np.zeros([n, width]), np.zeros([n, width])];
    for (let t = 0; t < length; t++) {
      // np.inner(h, W) is h Wᵀ without a copy of W; the first layer has a single input.
      const input = x.ref
        .slice([], [t, t + 1])
        .mul(column.ref)
        .add(first.bias.ref);
      lower = tanh(np.inner(lower, first.hidden.ref).add(input));
      const fed = np.inner(lower.ref, second.input.ref).add(second.bias.ref);
      upper = tanh(np.inner(upper, second.hidden.ref).add(fed));
    }
    return upper;
  },
};

/** MNIST-1D signals read sample by sample by two recurrent layers, classified from the last state. */
export const rnn: Task = networkTask({
  name: 'rnn',
  steps: 500,
  batchSize: 128,
  smoothingSigma: 8,
  testEvery: 50,
  lossAxis: 'linear',
  testLossAxis: 'linear',
  network: sequence(recurrent, linear('head', width, 10)),
  loss: crossEntropy,
  accuracy,
  samples: labelled,
});
