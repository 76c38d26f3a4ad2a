import { numpy as np } from '@jax-js/jax';
import { labelled } from './mnist1d.ts';
import { oneChannel } from './network/autoencoding.ts';
import { batchNorm } from './network/batch-norm.ts';
import { halving } from './network/convolution.ts';
import { accuracy, crossEntropy } from './network/cross-entropy.ts';
import { plain, sequence } from './network/layer.ts';
import { linear, relu } from './network/linear.ts';
import { networkTask } from './network/network-task.ts';
import type { Task } from './task.ts';

const widths = [1, 32, 48, 64, 128];

/** [n, length, channels] in a row, channel by channel. */
const flattened = plain((x) => np.transpose(x, [0, 2, 1]).reshape([x.shape[0] ?? 0, -1]));

const block = (index: number, outputs: number) => [
  halving(`conv${index}`, widths[index] ?? 0, outputs),
  relu,
  batchNorm(`norm${index}`, outputs),
];

/** MNIST-1D classified by four convolutions of width and stride 2, each followed by ReLU and batch norm, and a linear head. */
export const convnet: Task = networkTask({
  name: 'convnet',
  steps: 1000,
  batchSize: 32,
  smoothingSigma: 8,
  testEvery: 50,
  lossAxis: 'log',
  testLossAxis: 'linear',
  network: sequence(oneChannel, ...widths.slice(1).flatMap((outputs, index) => block(index, outputs)), flattened, linear('head', 256, 10)),
  loss: crossEntropy,
  accuracy,
  samples: labelled,
});
