import { layers, sequential } from '@tensorflow/tfjs-layers';
import { oneHot, pictures, times } from '../data.ts';
import { fitting, kernel, type Program } from '../program.ts';

const labels = times(24, (i) => (7 * i) % 4);

/** Digits told by a convolutional network: convolution, pooling, twice, and a dense head. */
export const mnist: Program = {
  name: 'mnist',
  start: fitting({
    build: () =>
      sequential({
        layers: [
          layers.conv2d({ filters: 4, kernelSize: 3, activation: 'relu', inputShape: [10, 10, 1], kernelInitializer: kernel(1) }),
          layers.maxPooling2d({ poolSize: 2 }),
          layers.conv2d({ filters: 6, kernelSize: 3, activation: 'relu', kernelInitializer: kernel(2) }),
          layers.flatten(),
          layers.dense({ units: 4, activation: 'softmax', kernelInitializer: kernel(3) }),
        ],
      }),
    loss: 'categoricalCrossentropy',
    x: () => pictures(1, labels, 10),
    y: () => oneHot(labels, 4),
    batchSize: 8,
  }),
};
