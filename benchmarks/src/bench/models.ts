import { type Shape, size } from '@opt/core';
import { normals } from './random.ts';

/** Parameters of a model by name. */
export type Shapes = Readonly<Record<string, Shape>>;
export type Tensors = Readonly<Record<string, Float32Array>>;

export interface Model {
  readonly title: string;
  readonly shapes: Shapes;
}

const mlp = (...widths: readonly number[]): Shapes =>
  Object.fromEntries(
    widths.slice(1).flatMap((columns, i): [string, Shape][] => [
      [`dense${i}.kernel`, [widths[i] ?? 1, columns]],
      [`dense${i}.bias`, [columns]],
    ]),
  );

/** Pre-norm decoder blocks, as in GPT-2, with 512 tokens and positions and the head tied to the embedding. */
function transformer(layers: number, d: number): Shapes {
  const block = (i: number): [string, Shape][] => [
    [`block${i}.norm0.gain`, [d]],
    [`block${i}.norm0.bias`, [d]],
    [`block${i}.attention.kernel`, [d, 3 * d]],
    [`block${i}.attention.bias`, [3 * d]],
    [`block${i}.projection.kernel`, [d, d]],
    [`block${i}.projection.bias`, [d]],
    [`block${i}.norm1.gain`, [d]],
    [`block${i}.norm1.bias`, [d]],
    [`block${i}.up.kernel`, [d, 4 * d]],
    [`block${i}.up.bias`, [4 * d]],
    [`block${i}.down.kernel`, [4 * d, d]],
    [`block${i}.down.bias`, [d]],
  ];
  return Object.fromEntries([
    ['tokens', [512, d]],
    ['positions', [512, d]],
    ...Array.from({ length: layers }, (_, i) => block(i)).flat(),
    ['norm.gain', [d]],
    ['norm.bias', [d]],
  ]);
}

/** What optimizers are timed on, by the name it has in a task. */
export const models: Readonly<Record<string, Model>> = {
  'vector-1m': { title: 'one vector of 2^20', shapes: { vector: [2 ** 20] } },
  'vector-1e6': { title: 'd = 10^6', shapes: { vector: [10 ** 6] } },
  'mlp-784': { title: 'MLP 784-512-512-10', shapes: mlp(784, 512, 512, 10) },
  'mlp-mnist1d': { title: 'MNIST-1D MLP 40-100-100-100-10', shapes: mlp(40, 100, 100, 100, 10) },
  transformer: { title: 'transformer, 4 layers, d = 256', shapes: transformer(4, 256) },
  'square-512': { title: '512×512', shapes: { matrix: [512, 512] } },
  'wide-512': { title: '512×2048', shapes: { matrix: [512, 2048] } },
  tiny: { title: 'one 3×3 matrix and one scalar', shapes: { matrix: [3, 3], scalar: [] } },
  'ten-vectors': {
    title: 'ten vectors of 64',
    shapes: Object.fromEntries(Array.from({ length: 10 }, (_, i): [string, Shape] => [`vector${i}`, [64]])),
  },
  'forty-matrices': {
    title: '40 matrices of 64×64',
    shapes: Object.fromEntries(Array.from({ length: 40 }, (_, i): [string, Shape] => [`matrix${i}`, [64, 64]])),
  },
};

export const parameterCount = (shapes: Shapes): number => Object.values(shapes).reduce((sum, shape) => sum + size(shape), 0);

/** A normal number for every entry. */
export const tensors = (shapes: Shapes, seed: number): Tensors =>
  Object.fromEntries(Object.entries(shapes).map(([name, shape], i) => [name, normals(size(shape), 1009 * seed + i)]));

/**
 * Gradients that differ from step to step, in turn: with one gradient for ever, covariances would keep the rank of one, and
 * refreshes would work on something no training run sees.
 */
export const gradientSets = (shapes: Shapes, count: number = gradientSetCount(shapes)): readonly Tensors[] =>
  Array.from({ length: count }, (_, i) => tensors(shapes, i + 1));

export const gradientSetCount = (shapes: Shapes): number => (parameterCount(shapes) > 1e6 ? 8 : 16);
