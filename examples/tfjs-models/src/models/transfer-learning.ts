import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { oneHot, pictures, times } from '../data.ts';
import { fitting, kernel, type Program } from '../program.ts';

const labels = times(24, (i) => (5 * i) % 4);

/** Features that stay as they are under a head that learns: the first layers are frozen, in a model of their own. */
export const transferLearning: Program = {
  name: 'transfer learning',
  start: fitting({
    build(): LayersModel {
      const features = sequential({
        layers: [
          layers.conv2d({ filters: 4, kernelSize: 3, activation: 'relu', inputShape: [8, 8, 1], kernelInitializer: kernel(1) }),
          layers.maxPooling2d({ poolSize: 2 }),
          layers.flatten(),
        ],
      });
      for (const layer of features.layers) layer.trainable = false;
      return sequential({
        layers: [
          features,
          layers.dense({ units: 8, activation: 'relu', kernelInitializer: kernel(2) }),
          layers.dense({ units: 4, activation: 'softmax', kernelInitializer: kernel(3) }),
        ],
      });
    },
    loss: 'categoricalCrossentropy',
    x: () => pictures(2, labels, 8),
    y: () => oneHot(labels, 4),
    batchSize: 8,
  }),
};
