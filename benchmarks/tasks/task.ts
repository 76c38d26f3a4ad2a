import type { Shape } from '@opt/core';

export const taskNames = [
  'mlp-full-batch',
  'mlp-mini-batch',
  'rnn',
  'convnet',
  'autoencoder',
  'segmentation',
  'quadratic',
  'matrix-inverse-l1',
  'inverse-of-inverse',
  'matrix-sign',
] as const;

export type TaskName = (typeof taskNames)[number];

export const isTaskName = (name: string): name is TaskName => taskNames.some((known) => known === name);

/** One parameter at its initial value, row-major. */
export interface Parameter {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** The values of all parameters by name. */
export type Values = Readonly<Record<string, Float32Array | Float64Array>>;

export interface LossAndGradients {
  readonly loss: number;
  readonly gradients: Readonly<Record<string, Float32Array>>;
}

export interface Tested {
  readonly loss: number;
  /** Share of labels whose class has the largest logit, in [0, 1]; undefined where there are no classes. */
  readonly accuracy: number | undefined;
}

/** One of the ten problems, and how its runs are judged. */
export interface Task {
  readonly name: TaskName;
  /** Updates of a full run. */
  readonly steps: number;
  /** Samples of a mini-batch; undefined: every step sees the whole problem. */
  readonly batchSize: number | undefined;
  /** σ in steps of the Gaussian that smooths the training losses; 0: none. */
  readonly smoothingSigma: number;
  /** The test set is measured before steps 1, 1 + testEvery, … and after the last one; undefined: there is no test set. */
  readonly testEvery: number | undefined;
  /** How the seed draws training and test losses. */
  readonly lossAxis: 'linear' | 'log';
  readonly testLossAxis: 'linear' | 'log';
  /** A run from its first step: initial parameters, data and batches of the seed; `batchSize` samples a step, where there are batches. */
  start(seed: number, batchSize?: number): Promise<TaskRun>;
}

/** A run draws its batches in order, so that two runs with one seed see the same ones. Nothing of it is shared with other runs but compiled code. */
export interface TaskRun {
  /** Initial values, in the order they were drawn. The arrays are the run's: an optimizer copies them. */
  readonly parameters: Readonly<Record<string, Parameter>>;
  /** What the seed decides beside parameters and batches, row-major; empty for tasks on MNIST-1D. */
  readonly data: Readonly<Record<string, Float32Array | Uint8Array>>;
  /** Draws the next batch: its loss at these parameters and the loss's gradients. Both may be Infinity or NaN. */
  step(parameters: Values): LossAndGradients;
  /** The same of the latest batch, which is not drawn anew: for optimizers that look around within a step. */
  again(parameters: Values): LossAndGradients;
  /** Indices of the samples of the latest step, in order; empty without batches. */
  readonly batch: Uint32Array;
  /** Loss over the whole test set; undefined: there is none. */
  readonly test: ((parameters: Values) => Tested) | undefined;
  dispose(): void;
}
