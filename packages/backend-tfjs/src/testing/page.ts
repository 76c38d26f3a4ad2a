/// <reference lib="dom" preserve="true" />
import { type Outcome, parseGolden, replay } from '@opt/backend-contract';
import { soap } from '@opt/soap';
import { adamw } from '@opt/transforms';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-webgl';
import '@tensorflow/tfjs-backend-webgpu';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { tfjsAsync, tfjsDevice, toTfjsOptimizer } from '../index.ts';

export type Replayed = Outcome & { readonly mode: 'device' | 'async' };

export interface Trained {
  readonly losses: readonly number[];
  readonly skipped: number;
  readonly growth: number;
  readonly growthOfSaves: number;
}

/** What the test in Node calls in the page. */
export interface Page {
  /** Makes tfjs run on a backend; false where the browser has none. */
  use(backend: string): Promise<boolean>;
  /** In a synchronous step without any read, if it can be; otherwise with awaited reads. */
  replay(golden: unknown): Promise<Replayed>;
  train(transform: 'adamw' | 'soap'): Promise<Trained>;
  /** Synchronous reads since the backend was chosen. */
  blockingReads(): number;
}

let reads = 0;
const engine = tf.engine();
const readSync = engine.readSync.bind(engine);
engine.readSync = (dataId) => {
  reads++;
  return readSync(dataId);
};

const wouldWait = (error: unknown): boolean => error instanceof Error && error.message.includes('would wait for the device');

globalThis.opt = {
  async use(backend) {
    const there = await tf.setBackend(backend).catch(() => false);
    await tf.ready();
    reads = 0;
    return there && tf.getBackend() === backend;
  },
  async replay(golden) {
    try {
      return { ...(await replay(parseGolden(golden), tfjsDevice())), mode: 'device' };
    } catch (error) {
      if (!wouldWait(error)) throw error;
      return { ...(await replay(parseGolden(golden), tfjsAsync())), mode: 'async' };
    }
  },
  async train(name) {
    const model = sequential({
      layers: [layers.dense({ units: 6, inputShape: [4], activation: 'tanh' }), layers.dense({ units: 3, activation: 'softmax' })],
    });
    const transform = name === 'adamw' ? adamw({ learningRate: 0.02 }) : soap({ learningRate: 0.02, preconditionFrequency: 3 });
    const optimizer = toTfjsOptimizer(transform);
    model.compile({ optimizer, loss: 'categoricalCrossentropy' });
    const x = tf.tensor2d(Array.from({ length: 12 }, (_, i) => Array.from({ length: 4 }, (_, j) => Math.sin(3 * i + 5 * j))));
    const y = tf.oneHot(
      tf.tensor1d(
        Array.from({ length: 12 }, (_, i) => i % 3),
        'int32',
      ),
      3,
    );
    const losses: number[] = [];
    const fit = async (epochs: number): Promise<void> => {
      const { history } = await model.fit(x, y, { epochs, batchSize: 12, verbose: 0, yieldEvery: 'never' });
      losses.push(...(history['loss'] ?? []).map(Number));
    };
    await fit(5);
    const settled = tf.memory().numTensors;
    await fit(20);
    const growth = tf.memory().numTensors - settled;
    await optimizer.getWeights();
    const saved = tf.memory().numTensors;
    for (let i = 0; i < 5; i++) await optimizer.getWeights();
    const growthOfSaves = tf.memory().numTensors - saved;
    const kernel = model.trainableWeights[0]?.read();
    if (kernel instanceof tf.Variable) optimizer.applyGradients({ [kernel.name]: tf.fill(kernel.shape, Number.NaN) });
    return { losses, skipped: await optimizer.skippedSteps, growth, growthOfSaves };
  },
  blockingReads: () => reads,
};

declare global {
  var opt: Page;
}
