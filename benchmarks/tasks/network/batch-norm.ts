import { numpy as np } from '@jax-js/jax';
import type { Layer } from './layer.ts';
import { channelMean, perChannel } from './per-channel.ts';

const epsilon = 1e-5;

/**
 * y = scale·(x − mean)/√(variance + 1e-5) + shift for x [n, length, channels]; mean and biased variance are those of the batch at hand,
 * over samples and length, in testing too. Scales start at 1, shifts at 0.
 */
export const batchNorm = (name: string, channels: number): Layer => ({
  parameters: [
    { name: `${name}.weight`, shape: [channels], start: { constant: 1 } },
    { name: `${name}.bias`, shape: [channels], start: { constant: 0 } },
  ],
  apply(weights, x) {
    const [, length = 0] = x.shape;
    const centred = x.ref.sub(perChannel(channelMean(x), length));
    const variance = channelMean(np.square(centred.ref));
    const gain = weights(`${name}.weight`).mul(np.reciprocal(np.sqrt(variance.add(epsilon))));
    return centred.mul(perChannel(gain, length)).add(perChannel(weights(`${name}.bias`), length));
  },
});
