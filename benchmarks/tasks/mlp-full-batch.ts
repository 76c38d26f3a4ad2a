import { labelled } from './mnist1d.ts';
import { accuracy, crossEntropy } from './network/cross-entropy.ts';
import { sequence } from './network/layer.ts';
import { multilayerPerceptron } from './network/linear.ts';
import { networkTask } from './network/network-task.ts';
import type { Task } from './task.ts';

/** MNIST-1D classified by an MLP, all 4000 samples every step. */
export const mlpFullBatch: Task = networkTask({
  name: 'mlp-full-batch',
  steps: 1000,
  batchSize: undefined,
  smoothingSigma: 0,
  testEvery: 50,
  lossAxis: 'log',
  testLossAxis: 'linear',
  network: sequence(...multilayerPerceptron([40, 40, 40, 40, 40, 10])),
  loss: crossEntropy,
  accuracy,
  samples: labelled,
});
