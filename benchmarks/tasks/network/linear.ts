import { nn, numpy as np } from '@jax-js/jax';
import { type Layer, plain } from './layer.ts';

/** y = x Wᵀ + b for x [n, inputs], W [outputs, inputs]. */
export const linear = (name: string, inputs: number, outputs: number): Layer => ({
  parameters: [
    { name: `${name}.weight`, shape: [outputs, inputs], start: { fan: inputs } },
    { name: `${name}.bias`, shape: [outputs], start: { fan: inputs } },
  ],
  apply: (weights, x) => np.inner(x, weights(`${name}.weight`)).add(weights(`${name}.bias`)),
});

export const relu: Layer = plain(nn.relu);

/** Linear layers of the given widths, `layer0`, `layer1`, …, with ReLU in between. */
export const multilayerPerceptron = (widths: readonly number[]): readonly Layer[] =>
  widths.slice(1).flatMap((outputs, index) => {
    const layer = linear(`layer${index}`, widths[index] ?? 0, outputs);
    return index === 0 ? [layer] : [relu, layer];
  });
