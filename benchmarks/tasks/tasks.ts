import type { Task, TaskName } from './task.ts';

/** Every task by name, loaded when asked for. */
export const tasks: Readonly<Record<TaskName, () => Promise<Task>>> = {
  'mlp-full-batch': async () => (await import('./mlp-full-batch.ts')).mlpFullBatch,
  'mlp-mini-batch': async () => (await import('./mlp-mini-batch.ts')).mlpMiniBatch,
  rnn: async () => (await import('./rnn.ts')).rnn,
  convnet: async () => (await import('./convnet.ts')).convnet,
  autoencoder: async () => (await import('./autoencoder.ts')).autoencoder,
  segmentation: async () => (await import('./segmentation.ts')).segmentation,
  quadratic: async () => (await import('./quadratic.ts')).quadratic,
  'matrix-inverse-l1': async () => (await import('./matrix-inverse-l1.ts')).matrixInverseL1,
  'inverse-of-inverse': async () => (await import('./inverse-of-inverse.ts')).inverseOfInverse,
  'matrix-sign': async () => (await import('./matrix-sign.ts')).matrixSign,
};
