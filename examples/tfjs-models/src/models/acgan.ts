import { dispose, type Tensor, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { normal, times } from '../data.ts';
import { held, kernel, looping, type Program } from '../program.ts';

const batch = 16;
const next = normal(6);
const real = times(batch, () => [1 + 0.1 * next(), -1 + 0.1 * next(), 0.1 * next()]);
const noise = times(batch, () => times(2, next));

const network = (inputs: number, outputs: number, activation: 'sigmoid' | 'linear', seed: number): LayersModel =>
  sequential({
    layers: [
      layers.dense({ units: 8, activation: 'relu', inputShape: [inputs], kernelInitializer: kernel(seed) }),
      layers.dense({ units: outputs, activation, kernelInitializer: kernel(seed + 1) }),
    ],
  });

const cost = (given: number | number[]): number => (Array.isArray(given) ? (given[0] ?? Number.NaN) : given);

const label = (value: number): Tensor => tensor2d(times(batch, () => [value]));

/**
 * A generator against a discriminator, in turns: two optimizers, of which one trains the generator through the discriminator while that is
 * frozen. The loss is the discriminator's.
 */
export const acgan: Program = {
  name: 'mnist-acgan',
  game: true,
  start: looping((make) => {
    const [generator, discriminator] = [network(2, 3, 'linear', 1), network(3, 1, 'sigmoid', 3)];
    const optimizers = [make(discriminator), make(generator)] as const;
    discriminator.compile({ optimizer: optimizers[0], loss: 'binaryCrossentropy' });
    discriminator.trainable = false;
    const combined = sequential({ layers: [generator, discriminator] });
    combined.compile({ optimizer: optimizers[1], loss: 'binaryCrossentropy' });
    const step = async (): Promise<number> => {
      const [truth, codes, ones, zeros] = [tensor2d(real), tensor2d(noise), label(1), label(0)];
      const made = tidy(() => generator.predict(codes));
      if (Array.isArray(made)) throw new TypeError('the generator gave several tensors');
      discriminator.trainable = true;
      const costs = [cost(await discriminator.trainOnBatch(truth, ones)), cost(await discriminator.trainOnBatch(made, zeros))];
      // tfjs skips variables that are frozen when a step is made, whatever was compiled.
      discriminator.trainable = false;
      await combined.trainOnBatch(codes, ones);
      dispose([truth, codes, ones, zeros, made]);
      return (costs[0] ?? 0) + (costs[1] ?? 0);
    };
    return {
      optimizers,
      async epoch() {
        let last = Number.NaN;
        for (let i = 0; i < 3; i++) last = await step();
        return last;
      },
      ...held(generator, discriminator),
    };
  }),
};
