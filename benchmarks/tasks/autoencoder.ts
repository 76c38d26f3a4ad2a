import { numpy as np } from '@jax-js/jax';
import { reconstructed } from './mnist1d.ts';
import { autoencoding } from './network/autoencoding.ts';
import { networkTask } from './network/network-task.ts';
import type { Task } from './task.ts';

/** MNIST-1D signals reconstructed from two samples of 128 channels, mean squared error. */
export const autoencoder: Task = networkTask({
  name: 'autoencoder',
  steps: 600,
  batchSize: 32,
  smoothingSigma: 8,
  testEvery: 50,
  lossAxis: 'log',
  testLossAxis: 'log',
  network: autoencoding([32, 48, 64, 128], 40, 1),
  loss: (outputs, targets) => np.mean(np.square(outputs.reshape([-1, 40]).sub(targets))),
  samples: reconstructed,
});
