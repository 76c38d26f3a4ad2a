import { numpy as np } from '@jax-js/jax';

/**
 * jax-js adds up one number after the other, which loses digits over a whole batch: 1.5e-6 over 2432 numbers. Sums over samples and
 * positions are therefore taken in two parts, here and, because the gradient of a broadcast is a sum, in `perChannel`.
 */

/** Means over samples and positions of x [n, length, channels]. */
export const channelMean = (x: np.Array): np.Array => np.mean(np.mean(x, 1), 0);

/** Values [channels] for every position, [length, channels], ready to be combined with [n, length, channels]. */
export const perChannel = (values: np.Array, length: number): np.Array => np.broadcastTo(values, [length, values.shape[0] ?? 0]);
