import { tensor2d, tensor3d } from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { normal, times } from '../data.ts';
import { fitting, kernel, type Program } from '../program.ts';

const next = normal(5);
const hours = times(48, (hour) => [Math.sin(hour / 4) + 0.05 * next(), Math.cos(hour / 7) + 0.05 * next(), 0.3 * next()]);
const windows = times(32, (start) => hours.slice(start, start + 8));

/** The temperature of tomorrow from the weather of the last days: a GRU and a dense layer, mean absolute error. */
export const jenaWeather: Program = {
  name: 'jena-weather',
  start: fitting({
    build: () =>
      sequential({
        layers: [
          layers.gru({ units: 8, inputShape: [8, 3], kernelInitializer: kernel(1), recurrentInitializer: kernel(2) }),
          layers.dense({ units: 1, kernelInitializer: kernel(3) }),
        ],
      }),
    loss: 'meanAbsoluteError',
    x: () => tensor3d(windows),
    y: () => tensor2d(windows.map((_, start) => [hours[start + 8]?.[0] ?? 0])),
    batchSize: 8,
  }),
};
