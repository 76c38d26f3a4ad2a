import { tensor2d } from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { times, uniform } from '../data.ts';
import { fitting, kernel, type Program } from '../program.ts';

const words = 40;
const next = uniform(4);
/** Reviews of twelve words: in good ones, more of the first half of the vocabulary. */
const reviews = times(32, (i) =>
  times(12, () => Math.floor((words / 2) * next()) + (next() < (i % 2 === 0 ? 0.25 : 0.75) ? words / 2 : 0)),
);

/** Whether a review is a good one: embeddings, a convolution over words, the largest of each feature, a dense head. */
export const sentiment: Program = {
  name: 'sentiment',
  start: fitting({
    build: () =>
      sequential({
        layers: [
          layers.embedding({ inputDim: words, outputDim: 8, inputLength: 12, embeddingsInitializer: kernel(1) }),
          layers.conv1d({ filters: 8, kernelSize: 3, activation: 'relu', kernelInitializer: kernel(2) }),
          layers.globalMaxPooling1d({}),
          layers.dense({ units: 1, activation: 'sigmoid', kernelInitializer: kernel(3) }),
        ],
      }),
    loss: 'binaryCrossentropy',
    x: () => tensor2d(reviews),
    y: () => tensor2d(reviews.map((_, i) => [i % 2])),
    batchSize: 8,
  }),
};
