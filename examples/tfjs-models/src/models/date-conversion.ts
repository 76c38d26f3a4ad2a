import { tensor2d } from '@tensorflow/tfjs-core';
import { input, layers, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { oneHots, times, uniform } from '../data.ts';
import { fitting, kernel, type Program } from '../program.ts';

const characters = '0123456789/-*';
const next = uniform(3);
const pair = (n: number): string => String(n).padStart(2, '0');
const indices = (text: string): number[] => [...text].map((character) => characters.indexOf(character));
const dates = times(16, () => {
  const [day, month] = [1 + Math.floor(28 * next()), 1 + Math.floor(12 * next())];
  return { given: indices(`${day}/${month}`.padEnd(5, '*')), wanted: indices(`${pair(month)}-${pair(day)}`) };
});
/** What the decoder has written so far: the answer, one place to the right. */
const written = ({ wanted }: { readonly wanted: readonly number[] }): number[] => [characters.indexOf('*'), ...wanted.slice(0, -1)];

const one = (output: unknown): SymbolicTensor => {
  // A layer applied to symbolic tensors gives one of them; its type also allows for numbers and lists.
  if (typeof output !== 'object' || output === null || !('sourceLayer' in output)) throw new TypeError('a layer gave no symbolic tensor');
  return output as SymbolicTensor;
};

/** Dates rewritten from one form into another: an encoder and a decoder with attention, embeddings, two inputs. */
export const dateConversion: Program = {
  name: 'date conversion with attention',
  start: fitting({
    build() {
      const recurrent = (seed: number) =>
        layers.lstm({ units: 8, returnSequences: true, kernelInitializer: kernel(seed), recurrentInitializer: kernel(seed + 1) });
      const embedding = (seed: number) =>
        layers.embedding({ inputDim: characters.length, outputDim: 6, inputLength: 5, embeddingsInitializer: kernel(seed) });
      const [given, soFar] = [input({ shape: [5] }), input({ shape: [5] })];
      const encoded = one(recurrent(1).apply(one(embedding(3).apply(given))));
      const decoded = one(recurrent(4).apply(one(embedding(6).apply(soFar))));
      const scores = one(layers.dot({ axes: [2, 2] }).apply([decoded, encoded]));
      const attention = one(layers.activation({ activation: 'softmax' }).apply(scores));
      const context = one(layers.dot({ axes: [2, 1] }).apply([attention, encoded]));
      const joined = one(layers.concatenate().apply([context, decoded]));
      const hidden = layers.timeDistributed({ layer: layers.dense({ units: 8, activation: 'tanh', kernelInitializer: kernel(7) }) });
      const head = layers.timeDistributed({
        layer: layers.dense({ units: characters.length, activation: 'softmax', kernelInitializer: kernel(8) }),
      });
      return model({ inputs: [given, soFar], outputs: one(head.apply(one(hidden.apply(joined)))) });
    },
    loss: 'categoricalCrossentropy',
    x: () => [tensor2d(dates.map((date) => date.given)), tensor2d(dates.map(written))],
    y: () =>
      oneHots(
        dates.map(({ wanted }) => wanted),
        characters.length,
      ),
    batchSize: 8,
  }),
};
