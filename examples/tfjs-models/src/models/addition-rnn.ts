import { layers, sequential } from '@tensorflow/tfjs-layers';
import { oneHots, times, uniform } from '../data.ts';
import { fitting, kernel, type Program } from '../program.ts';

const characters = '0123456789+ ';
const next = uniform(2);
const indices = (text: string): number[] => [...text].map((character) => characters.indexOf(character));
const sums = times(32, () => {
  const [a, b] = [Math.floor(10 * next()), Math.floor(10 * next())];
  return { question: indices(`${a}+${b}`), answer: indices(String(a + b).padEnd(2)) };
});

const recurrent = (seed: number) => ({ kernelInitializer: kernel(seed), recurrentInitializer: kernel(seed + 1) });

/** Sums read and written letter by letter: one LSTM encodes the question, one decodes the answer. */
export const additionRnn: Program = {
  name: 'addition-rnn',
  start: fitting({
    build: () =>
      sequential({
        layers: [
          layers.lstm({ units: 12, inputShape: [3, characters.length], ...recurrent(1) }),
          layers.repeatVector({ n: 2 }),
          layers.lstm({ units: 12, returnSequences: true, ...recurrent(3) }),
          layers.timeDistributed({
            layer: layers.dense({ units: characters.length, activation: 'softmax', kernelInitializer: kernel(5) }),
          }),
        ],
      }),
    loss: 'categoricalCrossentropy',
    x: () =>
      oneHots(
        sums.map(({ question }) => question),
        characters.length,
      ),
    y: () =>
      oneHots(
        sums.map(({ answer }) => answer),
        characters.length,
      ),
    batchSize: 16,
  }),
};
