import { BackendError, OptionTypeError } from '@opt/core';
import { adamw, sgd } from '@opt/transforms';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { logMetrics, validate } from './callbacks.ts';
import type { TransformOptimizer } from './optimizer/transform-optimizer.ts';
import { tfjs, tfjsDevice } from './tfjs.ts';
import { toTfjsOptimizer } from './to-tfjs-optimizer.ts';

const [x, y] = [tf.tensor2d([0, 0, 0, 1, 1, 0, 1, 1], [4, 2]), tf.tensor2d([0, 1, 1, 0], [4, 1])];
const computes = { 'on wasm': {}, 'on tfjs': { compute: tfjs() }, 'on a device': { compute: tfjsDevice() } };

let made = 0;
function modelWith(optimizer: tf.Optimizer): layers.Sequential {
  const kernelInitializer = layers.initializers.glorotUniform({ seed: 3 });
  const inner = layers.layers.dense({ units: 3, inputShape: [2], activation: 'tanh', kernelInitializer, name: `inner${made++}` });
  const model = layers.sequential({ layers: [inner, layers.layers.dense({ units: 1, kernelInitializer })] });
  model.compile({ optimizer, loss: 'meanSquaredError', metrics: ['mae'] });
  return model;
}

const weightsOf = (model: layers.LayersModel): number[] => model.getWeights().flatMap((weight) => Array.from(weight.dataSync()));
const fit = (model: layers.LayersModel, epochs: number, callbacks: layers.CustomCallbackArgs[] = []) =>
  model.fit(x, y, { epochs, batchSize: 2, shuffle: false, verbose: 0, callbacks });
const lossOf = (scalars: tf.Scalar | tf.Scalar[]): number => [scalars].flat()[0]?.dataSync()[0] ?? Number.NaN;

beforeAll(() => tf.setBackend('cpu'));

describe.each(Object.entries(computes))('metrics in tfjs, %s', (_, compute) => {
  it('come into the history', async () => {
    const optimizer = toTfjsOptimizer(sgd({ learningRate: 0.1, globalClipnorm: 1e-3 }), { ...compute, metrics: { every: 1 } });
    expect(await optimizer.metrics()).toBeUndefined();
    const model = modelWith(optimizer);
    const { history } = await fit(model, 3, [logMetrics(optimizer, { parameters: true })]);
    const names = ['gradient_norm', 'update_norm', 'parameter_norm', 'update_ratio', 'clip_factor', 'skipped_steps', 'learningRate'];
    for (const name of names) expect(history[name], name).toHaveLength(3);
    const last = (name: string) => Number(history[name]?.at(-1));
    expect(last('update_norm')).toBeCloseTo(1e-4, 7);
    expect(last('clip_factor')).toBeCloseTo(1e-3 / last('gradient_norm'), 7);
    expect(last('parameter_norm')).toBeCloseTo(Math.hypot(...weightsOf(model)), 5);
    expect([last('learningRate'), last('skipped_steps')]).toEqual([expect.closeTo(0.1, 6), 0]);
    const kernel = model.layers[0]?.trainableWeights[0]?.name ?? '';
    expect(last(`parameter_norm/${kernel}`)).toBeCloseTo(Math.hypot(...(model.getWeights()[0]?.dataSync() ?? [])), 5);
    expect(await optimizer.metrics()).toMatchObject({ step: 6, measured: 6 });
  });
});

describe.each(Object.entries(computes))('evaluating, %s', (_, compute) => {
  const averaged = (): TransformOptimizer => toTfjsOptimizer(adamw({ learningRate: 0.05, useEma: true, emaMomentum: 0.9 }), compute);

  it('has the average for a while, and changes nothing', async () => {
    const run = async (look: boolean) => {
      const optimizer = averaged();
      const model = modelWith(optimizer);
      await fit(model, 4);
      const trained = weightsOf(model);
      // The first look takes buffers for what is judged.
      if (look) await optimizer.evaluating(() => undefined);
      const held = tf.memory().numTensors;
      const within = look ? await optimizer.evaluating(() => weightsOf(model)) : [];
      expect(tf.memory().numTensors).toBe(held);
      expect(weightsOf(model)).toEqual(trained);
      await fit(model, 2);
      const after = weightsOf(model);
      await optimizer.finalize();
      return { within, trained, after, finalized: weightsOf(model) };
    };
    const [looked, plain] = [await run(true), await run(false)];
    expect(looked.after).toEqual(plain.after);
    expect(looked.finalized).toEqual(plain.finalized);
    expect(looked.within).not.toEqual(looked.trained);
  });

  it('is what finalize leaves', async () => {
    const optimizer = averaged();
    const model = modelWith(optimizer);
    await fit(model, 4);
    const within = await optimizer.evaluating(async () => {
      await Promise.resolve();
      return lossOf(model.evaluate(x, y));
    });
    optimizer.finalize();
    expect(within).toBe(lossOf(model.evaluate(x, y)));
  });

  it('gives the weights back when it fails, and refuses what must not be done meanwhile', async () => {
    const optimizer = averaged();
    const model = modelWith(optimizer);
    await fit(model, 2);
    const trained = weightsOf(model);
    const failing = async () =>
      optimizer.evaluating(() => {
        throw new RangeError('here');
      });
    await expect(failing()).rejects.toThrow('here');
    await expect((async () => optimizer.evaluating(() => fit(model, 1)))()).rejects.toThrow(BackendError);
    await expect((async () => optimizer.evaluating(() => optimizer.getWeights()))()).rejects.toThrow(
      'getWeights: within evaluating(…) variables are not what is trained; call it afterwards',
    );
    expect(weightsOf(model)).toEqual(trained);
    await fit(model, 1);
    expect(weightsOf(model)).not.toEqual(trained);
  });

  it('validates with the average', async () => {
    const optimizer = averaged();
    const model = modelWith(optimizer);
    const { history } = await fit(model, 5, [validate(optimizer, model, { x, y, batchSize: 4 })]);
    expect([history['val_loss']?.length, history['val_mae']?.length]).toEqual([5, 5]);
    optimizer.finalize();
    expect(history['val_loss']?.at(-1)).toBeCloseTo(lossOf(model.evaluate(x, y)), 6);
  });
});

describe('callbacks', () => {
  const optimizer = toTfjsOptimizer(sgd({ learningRate: 0.1 }), { className: 'Unmeasured' });

  it('refuse what cannot be meant', () => {
    const adam: TransformOptimizer = JSON.parse('{}');
    expect(() => logMetrics(optimizer)).toThrow(
      'metrics: this optimizer measures nothing; write toTfjsOptimizer(transform, { metrics: true })',
    );
    expect(() => logMetrics(adam)).toThrow('logMetrics: optimizer must be an optimizer of toTfjsOptimizer(transform), received an object');
    expect(() => validate(optimizer, JSON.parse('{}'), { x, y })).toThrow('validate: model must be a layers model, received an object');
    expect(() => validate(optimizer, modelWith(optimizer), { x, y: JSON.parse('[1]') })).toThrow(OptionTypeError);
    expect(() => toTfjsOptimizer(sgd(), { metrics: { every: 0 } })).toThrow(
      'toTfjsOptimizer: metrics: every must be an integer >= 1, received 0',
    );
  });
});
