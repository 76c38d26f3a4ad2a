import { layers, sequential } from '@tensorflow/tfjs-layers';
import { oneHot, oneHots, times } from '../data.ts';
import { fitting, kernel, type Program } from '../program.ts';

const text = 'the cat sat on the mat and the rat sat on the cat ';
const characters = [...new Set(text)];
const indices = [...text].map((character) => characters.indexOf(character));
const samples = times(40, (start) => indices.slice(start, start + 6));

/** The next letter of a text: an LSTM over the last ones. */
export const textGeneration: Program = {
  name: 'lstm-text-generation',
  start: fitting({
    build: () =>
      sequential({
        layers: [
          layers.lstm({ units: 12, inputShape: [6, characters.length], kernelInitializer: kernel(1), recurrentInitializer: kernel(2) }),
          layers.dense({ units: characters.length, activation: 'softmax', kernelInitializer: kernel(3) }),
        ],
      }),
    loss: 'categoricalCrossentropy',
    x: () => oneHots(samples, characters.length),
    y: () =>
      oneHot(
        samples.map((_, start) => indices[start + 6] ?? 0),
        characters.length,
      ),
    batchSize: 8,
  }),
};
