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

/** Two layers of h_t = tanh(W_i x_t + b_i + W_h h_{t−1} + b_h) with h_0 = 0, the second fed by the first: [n, 40] → the last h [n, 40]. */
const recurrent: Layer = {
  parameters: [...cell('rnn0', 1), ...cell('rnn1', width)],
  apply(weights, x) {
    const [n = 0] = x.shape;
    const [I0, H0, b0] = [
      weights('rnn0.input').reshape([width]),
      np.matrixTranspose(weights('rnn0.hidden')),
      weights('rnn0.inputBias').add(weights('rnn0.hiddenBias')),
    ];
    const [I1, H1, b1] = [
      np.matrixTranspose(weights('rnn1.input')),
      np.matrixTranspose(weights('rnn1.hidden')),
      weights('rnn1.inputBias').add(weights('rnn1.hiddenBias')),
    ];
    let h0 = np.zeros([n, width]);
    let h1 = np.zeros([n, width]);
    for (let t = 0; t < length; t++) {
      const input = x.ref
        .slice([], [t, t + 1])
        .mul(I0.ref)
        .add(b0.ref);
      h0 = np.tanh(input.add(np.matmul(h0, H0.ref)));
      h1 = np.tanh(np.matmul(h0.ref, I1.ref).add(np.matmul(h1, H1.ref)).add(b1.ref));
    }
    return h1;
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
