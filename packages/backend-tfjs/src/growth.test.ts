import { optimizerNamed } from '@opt/backend-contract';
import { wasm } from '@opt/backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { tfjs } from './tfjs.ts';
import { toTfjsOptimizer } from './to-tfjs-optimizer.ts';

/** Every exported optimizer, with a shape that all of them take. */
const optimizers: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ['sgd', { momentum: 0.9 }],
  ['adamw', {}],
  ['soap', { preconditionFrequency: 5 }],
  ['normalize-ema', { base: { optimizer: 'soap', hyperparameters: { learningRate: 0.01, preconditionFrequency: 5 } } }],
  ['lm-adagrad', { historySize: 4 }],
  ['lre', { curvature: { kind: 'covariance' }, basis: { kind: 'ggt', historySize: 4 }, inner: [{ kind: 'adam' }] }],
  ['muon', {}],
  ['stiefel', {}],
  ['block-stiefel', { blocks: 2 }],
  ['l1-stiefel', {}],
  ['oblique', {}],
  ['hypersphere', {}],
  ['spectral-sphere', {}],
  ['spectral-ball', {}],
  ['grassmannian', {}],
  ['sl-muon', {}],
  ['symplectic', {}],
  ['doubly-stochastic', {}],
];

const computes = { 'on tfjs': () => ({ compute: tfjs() }), 'on wasm': () => ({ compute: wasm() }) } as const;

describe.each(['on tfjs', 'on wasm'] as const)('no tensor more after 500 steps, after 5 saves, and none after dispose, %s', (where) => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it.each(optimizers)('%s', { timeout: 600_000 }, async (name, hyperparameters) => {
    const start = tf.memory().numTensors;
    const optimizer = toTfjsOptimizer(
      optimizerNamed(name)('base' in hyperparameters ? hyperparameters : { learningRate: 0.01, ...hyperparameters }),
      computes[where](),
    );
    const kernel = tf.tidy(() => tf.variable(tf.add(tf.eye(4), tf.randomUniform([4, 4], 0, 0.1, 'float32', 5))));
    const bias = tf.tidy(() => tf.variable(tf.ones([4])));
    const step = (i: number): void => {
      tf.tidy(() => {
        const gradient = tf.sin(tf.add(tf.reshape(tf.range(0, 16), [4, 4]), i));
        optimizer.applyGradients({ [kernel.name]: gradient, [bias.name]: tf.sum(gradient, 0) });
      });
    };
    for (let i = 0; i < 12; i++) step(i);
    const settled = tf.memory().numTensors;
    for (let i = 0; i < 500; i++) step(i);
    expect(tf.memory().numTensors).toBe(settled);
    expect(kernel.dataSync().every(Number.isFinite)).toBe(true);
    await optimizer.getWeights();
    const saved = tf.memory().numTensors;
    for (let i = 0; i < 5; i++) await optimizer.getWeights();
    expect(tf.memory().numTensors).toBe(saved);
    optimizer.dispose();
    tf.dispose([kernel, bias]);
    expect(tf.memory().numTensors).toBe(start);
  });
});
