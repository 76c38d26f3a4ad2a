import { labelled } from './mnist1d.ts';
import { accuracy, crossEntropy } from './network/cross-entropy.ts';
import { sequence } from './network/layer.ts';
import { multilayerPerceptron } from './network/linear.ts';
import { networkTask } from './network/network-task.ts';
import type { Task } from './task.ts';

/** MNIST-1D classified by an MLP, 64 samples a step. */
export const mlpMiniBatch: Task = networkTask({
  name: 'mlp-mini-batch',
  steps: 1000,
  batchSize: 64,
  smoothingSigma: 8,
  testEvery: 50,
  lossAxis: 'log',
  testLossAxis: 'linear',
  network: sequence(...multilayerPerceptron([40, 64, 96, 128, 256, 10])),
  loss: crossEntropy,
  accuracy,
  samples: labelled,
});
