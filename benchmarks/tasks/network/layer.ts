import type { numpy as np } from '@jax-js/jax';
import { type Shape, size } from '@opt/core';
import type { Draw } from '../../../examples/race/src/stream.ts';
import { uniform } from '../random/draws.ts';
import type { Parameter } from '../task.ts';

/** A parameter and where it starts: uniform in ±1/√fan, or constant, which draws nothing. */
export interface Declared {
  readonly name: string;
  readonly shape: Shape;
  readonly start: { readonly fan: number } | { readonly constant: number };
}

/** Hands out parameters by name, each once: operations of jax-js consume what they are given. */
export type Weights = (name: string) => np.Array;

/** A part of a network: its parameters in the order they are drawn, and what it does to a batch. */
export interface Layer {
  readonly parameters: readonly Declared[];
  apply(weights: Weights, x: np.Array): np.Array;
}

/** One layer after the other; their parameters in this order. */
export const sequence = (...layers: readonly Layer[]): Layer => ({
  parameters: layers.flatMap(({ parameters }) => parameters),
  apply: (weights, x) => layers.reduce((h, layer) => layer.apply(weights, h), x),
});

/** A layer without parameters. */
export const plain = (apply: (x: np.Array) => np.Array): Layer => ({ parameters: [], apply: (_, x) => apply(x) });

/** The initial values of a network, drawn in its order. */
export const initialValues = ({ parameters }: Layer, draw: Draw): Record<string, Parameter> =>
  Object.fromEntries(
    parameters.map(({ name, shape, start }) => {
      const count = size(shape);
      const data = 'fan' in start ? uniform(draw, count, 1 / Math.sqrt(start.fan)) : new Float32Array(count).fill(start.constant);
      return [name, { shape, data }];
    }),
  );
