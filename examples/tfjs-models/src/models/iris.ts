import { tensor2d } from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { normal, oneHot, times } from '../data.ts';
import { fitting, kernel, type Program } from '../program.ts';

const centres = [
  [5, 3.4, 1.5, 0.2],
  [5.9, 2.8, 4.3, 1.3],
  [6.6, 3, 5.6, 2],
];
const next = normal(1);
const flowers = times(48, (i) => (centres[i % 3] ?? []).map((centre) => centre + 0.2 * next()));

/** Three kinds of flowers told by four lengths: two dense layers. */
export const iris: Program = {
  name: 'iris',
  start: fitting({
    build: () =>
      sequential({
        layers: [
          layers.dense({ units: 10, activation: 'sigmoid', inputShape: [4], kernelInitializer: kernel(1) }),
          layers.dense({ units: 3, activation: 'softmax', kernelInitializer: kernel(2) }),
        ],
      }),
    loss: 'categoricalCrossentropy',
    x: () => tensor2d(flowers),
    y: () =>
      oneHot(
        times(48, (i) => i % 3),
        3,
      ),
    batchSize: 8,
  }),
};
