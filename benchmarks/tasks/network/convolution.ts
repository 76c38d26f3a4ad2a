import { numpy as np } from '@jax-js/jax';
import type { Declared, Layer } from './layer.ts';
import { perChannel } from './per-channel.ts';

/** Signals are [n, length, channels]: with channels last, a convolution is one product of matrices. */

const declared = (name: string, shape: readonly [number, number, number], outputs: number, fan: number): readonly Declared[] => [
  { name: `${name}.weight`, shape, start: { fan } },
  { name: `${name}.bias`, shape: [outputs], start: { fan } },
];

/**
 * The taps [inputs, outputs] of a kernel W [inputs, outputs, taps] along one axis of a matrix: a copy, where jax-js would else look each
 * factor of a product up in the kernel's own order.
 */
const sideBySide = (W: np.Array, axis: 0 | 1): np.Array => {
  const taps = Array.from({ length: W.shape[2] ?? 0 }, (_, tap) => W.ref.slice([], [], tap));
  W.dispose();
  return np.concatenate(taps, axis);
};

/** Convolution of width 2 and stride 2, no padding: length → ⌊length/2⌋, an odd last sample is dropped. W [outputs, inputs, 2]. */
export const halving = (name: string, inputs: number, outputs: number): Layer => ({
  parameters: declared(name, [outputs, inputs, 2], outputs, 2 * inputs),
  apply(weights, x) {
    const [n = 0, length = 0] = x.shape;
    const half = Math.floor(length / 2);
    const even = length % 2 === 0 ? x : x.slice([], [0, 2 * half]);
    // What a tap sees lies side by side: [n·half, taps·inputs].
    const y = np.matmul(even.reshape([n * half, 2 * inputs]), sideBySide(np.transpose(weights(`${name}.weight`), [1, 0, 2]), 0));
    return y.reshape([n, half, outputs]).add(perChannel(weights(`${name}.bias`), half));
  },
});

/** What each sample adds to the outputs at the taps of a kernel W [inputs, outputs, taps]: [n, length, taps, outputs]. */
function spread(W: np.Array, x: np.Array): np.Array {
  const [n = 0, length = 0, inputs = 0] = x.shape;
  const [, outputs = 0, taps = 0] = W.shape;
  return np.matmul(x.reshape([n * length, inputs]), sideBySide(W, 1)).reshape([n, length, taps, outputs]);
}

/** Transposed convolution of width 2 and stride 2, no padding: length → 2·length. W [inputs, outputs, 2]. */
export const doubling = (name: string, inputs: number, outputs: number): Layer => ({
  parameters: declared(name, [inputs, outputs, 2], outputs, 2 * outputs),
  apply(weights, x) {
    const [n = 0, length = 0] = x.shape;
    return spread(weights(`${name}.weight`), x)
      .reshape([n, 2 * length, outputs])
      .add(perChannel(weights(`${name}.bias`), 2 * length));
  },
});

/** Transposed convolution of width 3 and stride 2, no padding: length → 2·length + 1. W [inputs, outputs, 3]. */
export const doublingByThree = (name: string, inputs: number, outputs: number): Layer => ({
  parameters: declared(name, [inputs, outputs, 3], outputs, 3 * outputs),
  apply(weights, x) {
    const [n = 0, length = 0] = x.shape;
    const y = spread(weights(`${name}.weight`), x);
    // Sample i reaches outputs 2i, 2i + 1 and 2i + 2: the first two are a pair, the third falls on the next pair's first.
    const pairs = np.pad(y.ref.slice([], [], [0, 2]), [
      [0, 0],
      [0, 1],
      [0, 0],
      [0, 0],
    ]);
    const thirds = np.pad(y.slice([], [], [2, 3]), [
      [0, 0],
      [1, 0],
      [0, 1],
      [0, 0],
    ]);
    return pairs
      .add(thirds)
      .reshape([n, 2 * length + 2, outputs])
      .slice([], [0, 2 * length + 1])
      .add(perChannel(weights(`${name}.bias`), 2 * length + 1));
  },
});

/** Convolution of width 2 and stride 1, no padding: length → length − 1. W [outputs, inputs, 2]. */
export const sliding = (name: string, inputs: number, outputs: number): Layer => ({
  parameters: declared(name, [outputs, inputs, 2], outputs, 2 * inputs),
  apply(weights, x) {
    const [, length = 0] = x.shape;
    const y = spread(np.transpose(weights(`${name}.weight`), [1, 0, 2]), x);
    const first = y.ref.slice([], [0, length - 1], 0);
    return first.add(y.slice([], [1, length], 1)).add(perChannel(weights(`${name}.bias`), length - 1));
  },
});
