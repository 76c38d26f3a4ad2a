import { add, exp, mean, mul, reshape, type Scalar, slice, square, sub, sum, type Tensor, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { normal, pictures, times } from '../data.ts';
import { forward, held, kernel, looping, type Program, trained } from '../program.ts';

const pixels = 36;
const latent = 2;
const batch = 8;
const labels = times(24, (i) => i % 4);

const network = (inputs: number, outputs: number, seed: number): LayersModel =>
  sequential({
    layers: [
      layers.dense({ units: 12, activation: 'relu', inputShape: [inputs], kernelInitializer: kernel(seed) }),
      layers.dense({ units: outputs, kernelInitializer: kernel(seed + 1) }),
    ],
  });

/** Squared error of the pictures, and the distance of their codes from a normal distribution. */
function lossOf(encoder: LayersModel, decoder: LayersModel, x: Tensor, noise: Tensor): Scalar {
  const code = forward(encoder, x);
  const [means, logarithms] = [slice(code, [0, 0], [batch, latent]), slice(code, [0, latent], [batch, latent])];
  const drawn = add(means, mul(exp(mul(logarithms, 0.5)), noise));
  const error = mean(sum(square(sub(forward(decoder, drawn), x)), 1));
  const divergence = mean(sum(sub(add(square(means), exp(logarithms)), add(logarithms, 1)), 1));
  return add(error, mul(divergence, 0.05));
}

/** Pictures through a bottleneck of two numbers and back: two models, one optimizer, a loss of one's own in `minimize`. */
export const vae: Program = {
  name: 'fashion-mnist-vae',
  start: looping((make) => {
    const [encoder, decoder] = [network(pixels, 2 * latent, 1), network(latent, pixels, 3)];
    const optimizer = make(encoder, decoder);
    return {
      optimizers: [optimizer],
      epoch: async () =>
        tidy(() => {
          const all = reshape(pictures(3, labels, 6), [labels.length, pixels]);
          const next = normal(9);
          const costs = times(labels.length / batch, (i) => {
            const x = slice(all, [i * batch, 0], [batch, pixels]);
            const noise = tensor2d(times(batch, () => times(latent, next)));
            return (
              optimizer.minimize(() => lossOf(encoder, decoder, x, noise), true, trained(encoder, decoder))?.dataSync()[0] ?? Number.NaN
            );
          });
          return costs.reduce((total, cost) => total + cost, 0) / costs.length;
        }),
      ...held(encoder, decoder),
    };
  }),
};
