import { wasm } from '@opt/backend-wasm';
import { rule, type Transform } from '@opt/core';
import { adamw, descend, rmsprop, sgd } from '@opt/transforms';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as layers from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import type { TransformOptimizer } from './optimizer/transform-optimizer.ts';
import { tfjs } from './tfjs.ts';
import { toTfjsOptimizer } from './to-tfjs-optimizer.ts';

/** What tfjs-layers 4.22 expects of an optimizer: training, saving and loading of models, beside tfjs's own optimizers where these have values. */

const computes = { 'on tfjs': () => ({ compute: tfjs() }), 'on wasm': () => ({ compute: wasm() }), 'where nothing is said': () => ({}) };

const build = (trainable = [true, true]): layers.Sequential =>
  layers.sequential({
    layers: [
      layers.layers.dense({
        units: 4,
        inputShape: [3],
        activation: 'tanh',
        trainable: trainable[0] === true,
        kernelInitializer: layers.initializers.glorotUniform({ seed: 1 }),
      }),
      layers.layers.dense({
        units: 2,
        trainable: trainable[1] === true,
        kernelInitializer: layers.initializers.glorotUniform({ seed: 2 }),
      }),
    ],
  });

const x = tf.tensor2d(
  Array.from({ length: 24 }, (_, i) => Math.sin(3 * i)),
  [8, 3],
);
const y = tf.tensor2d(
  Array.from({ length: 16 }, (_, i) => Math.cos(5 * i)),
  [8, 2],
);

const compiled = (optimizer: tf.Optimizer, model: layers.Sequential = build()): layers.Sequential => {
  model.compile({ optimizer, loss: 'meanSquaredError' });
  return model;
};
const fit = async (model: layers.LayersModel, epochs = 5, more: object = {}): Promise<number[]> => {
  const { history } = await model.fit(x, y, { epochs, batchSize: 4, shuffle: false, verbose: 0, ...more });
  return (history['loss'] ?? []).map(Number);
};
const values = (model: layers.LayersModel): number[][] => model.getWeights().map((weight) => [...weight.dataSync()]);
const near = (numbers: readonly number[]): number[] => numbers.map((x) => expect.closeTo(x, 5));

/** What a save writes, and a handler that loads it. */
async function saved(model: layers.LayersModel, includeOptimizer: boolean): Promise<tf.io.ModelArtifacts> {
  const written: tf.io.ModelArtifacts[] = [];
  await model.save(
    {
      save: async (artifacts) => {
        written.push(artifacts);
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
      },
    },
    { includeOptimizer },
  );
  return written[0] ?? {};
}
const loaded = (artifacts: tf.io.ModelArtifacts): Promise<layers.LayersModel> => layers.loadLayersModel({ load: async () => artifacts });

describe.each(['on tfjs', 'on wasm', 'where nothing is said'] as const)('%s', (where) => {
  const make = (transform: Transform = adamw({ learningRate: 0.05 })): TransformOptimizer =>
    toTfjsOptimizer(transform, { className: 'LayersTest', ...computes[where]() });

  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it.each<[string, () => Transform, () => tf.Optimizer]>([
    ['sgd', () => sgd({ learningRate: 0.1 }), () => tf.train.sgd(0.1)],
    ['momentum', () => sgd({ learningRate: 0.1, momentum: 0.9 }), () => tf.train.momentum(0.1, 0.9)],
    ['Nesterov', () => sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true }), () => tf.train.momentum(0.1, 0.9, true)],
    ['Adam', () => adamw({ learningRate: 0.02, epsilon: 1e-7, weightDecay: 0 }), () => tf.train.adam(0.02)],
    [
      'RMSProp',
      () => rule(rmsprop({ beta: 0.9, epsilon: 1e-7 }), descend({ learningRate: 0.02 })),
      () => tf.train.rmsprop(0.02, 0.9, 0, 1e-14),
    ],
  ])('fit gives the history that it gives with %s of tfjs', async (_, ours, theirs) => {
    const [one, other] = [compiled(make(ours())), compiled(theirs())];
    expect(await fit(one)).toEqual(near(await fit(other)));
    expect(values(one).flat()).toEqual(near(values(other).flat()));
    for (const model of [one, other]) model.dispose();
  });

  it('compile takes it as it is; evaluate and predict leave it alone', async () => {
    const optimizer = make();
    const model = compiled(optimizer);
    expect(model.optimizer).toBe(optimizer);
    await fit(model, 2);
    const before = values(model);
    tf.dispose([model.evaluate(x, y), model.predict(x)].flat());
    expect([optimizer.iterations, values(model)]).toEqual([4, before]);
    expect(() => model.compile({ optimizer: JSON.parse('{}'), loss: 'meanSquaredError' })).toThrow('must be an instance of tf.Optimizer');
    model.dispose();
  });

  it('fit, trainOnBatch and fit again leave no tensors behind', async () => {
    const model = compiled(make());
    await fit(model, 2);
    await model.trainOnBatch(x, y);
    const settled = tf.memory().numTensors;
    for (let i = 0; i < 5; i++) {
      await fit(model, 2);
      expect(await model.trainOnBatch(x, y)).toEqual(expect.any(Number));
    }
    expect(tf.memory().numTensors).toBe(settled);
    model.dispose();
  });

  it('frozen layers stay, whether frozen before or after compile; nothing trainable is an error of tfjs', async () => {
    const model = compiled(make(), build([false, true]));
    const [first, second] = model.layers;
    if (first === undefined || second === undefined) throw new Error('two layers were expected');
    const numbers = (layer: layers.layers.Layer): number[][] => layer.getWeights().map((weight) => [...weight.dataSync()]);
    const before = [numbers(first), numbers(second)];
    await fit(model, 2);
    expect(numbers(first)).toEqual(before[0]);
    expect(numbers(second)).not.toEqual(before[1]);
    first.trainable = true;
    compiled(model.optimizer, model);
    second.trainable = false;
    const middle = numbers(second);
    await fit(model, 2);
    expect(numbers(first)).not.toEqual(before[0]);
    expect(numbers(second)).toEqual(middle);
    first.trainable = false;
    await expect(fit(model, 1)).rejects.toThrow('trainable');
    model.dispose();
  });

  it('a rate that changes between epochs counts at once, as that of tfjs', async () => {
    const [ours, theirs] = [make(sgd({ learningRate: 0.1 })), tf.train.sgd(0.1)];
    const [one, other] = [compiled(ours), compiled(theirs)];
    const changing = (set: (rate: number) => void) => ({ callbacks: { onEpochBegin: async (epoch: number) => set(0.1 / (epoch + 1)) } });
    const history = await fit(
      one,
      4,
      changing((rate) => ours.set('learningRate', rate)),
    );
    expect(history).toEqual(
      near(
        await fit(
          other,
          4,
          changing((rate) => theirs.setLearningRate(rate)),
        ),
      ),
    );
    for (const model of [one, other]) model.dispose();
  });

  it('save with the optimizer: its class, its numbers, its weights; loaded, all of it is back and goes on', async () => {
    const model = compiled(make());
    await fit(model, 3);
    const artifacts = await saved(model, true);
    expect(artifacts.trainingConfig?.optimizer_config).toMatchObject({
      class_name: 'LayersTest',
      config: { learningRate: 0.05, beta1: 0.9 },
    });
    const names = artifacts.weightSpecs?.filter(({ group }) => group === 'optimizer').map(({ name }) => name);
    expect(names?.slice(0, 2)).toEqual(['iter', 'opt-host']);
    expect(new Set(artifacts.weightSpecs?.map(({ name }) => name)).size).toBe(artifacts.weightSpecs?.length);
    const again = await loaded(artifacts);
    expect(again.optimizer).not.toBe(model.optimizer);
    expect(again.optimizer.getConfig()).toEqual(model.optimizer.getConfig());
    expect(again.optimizer.iterations).toBe(6);
    expect(await fit(again, 3)).toEqual(await fit(model, 3));
    expect(again.optimizer.iterations).toBe(12);
    for (const one of [model, again]) one.dispose();
  });

  it('a rate that was changed is saved, also before the first step; a schedule is not replaced by a number', async () => {
    const optimizer = make(sgd({ learningRate: 0.1 }));
    const model = compiled(optimizer);
    optimizer.learningRate = 0.25;
    const fresh = await loaded(await saved(model, true));
    expect(fresh.optimizer.getConfig()).toMatchObject({ learningRate: 0.25 });
    await fit(model, 1);
    optimizer.learningRate = 0.5;
    const artifacts = await saved(model, true);
    const later = await loaded(artifacts);
    expect(later.optimizer.getConfig()).toMatchObject({ learningRate: 0.5 });
    make(sgd({ learningRate: (step) => 1 / (step + 1) }));
    const scheduled = await loaded(artifacts);
    expect(scheduled.optimizer.getConfig()).not.toHaveProperty('learningRate');
    const before = values(scheduled);
    await scheduled.trainOnBatch(x, y);
    // Two steps were taken: the third is at 1/3 of what the first would have moved.
    const by = compiled(tf.train.sgd(1 / 3));
    by.setWeights(before.map((data, i) => tf.tensor(data, by.getWeights()[i]?.shape)));
    await by.trainOnBatch(x, y);
    expect(values(scheduled).flat()).toEqual(near(values(by).flat()));
    for (const one of [model, fresh, later, scheduled, by]) one.dispose();
  });

  it('save without the optimizer: none comes back', async () => {
    const model = compiled(make());
    await fit(model, 1);
    const artifacts = await saved(model, false);
    expect(artifacts.weightSpecs?.some(({ group }) => group === 'optimizer')).toBe(false);
    const again = await loaded(artifacts);
    expect(again.optimizer).toBeUndefined();
    expect(await fit(compiled(make(), build()), 1)).toHaveLength(1);
    for (const one of [model, again]) one.dispose();
  });

  it('a model that is disposed of leaves an optimizer of its caller alone', async () => {
    const optimizer = make();
    const [one, other, alone] = [compiled(optimizer), compiled(optimizer), compiled(make())];
    await fit(one, 2);
    one.dispose();
    expect(await fit(other, 3)).toEqual(await fit(alone, 3));
    optimizer.dispose();
    await expect(fit(other, 1)).rejects.toThrow('disposed');
    for (const model of [other, alone]) model.dispose();
  });

  it('state goes from one optimizer into another of the same kind, and is read while the first goes on', async () => {
    const [model, other] = [compiled(make()), compiled(make())];
    await fit(model, 2);
    const weights = await model.optimizer.getWeights();
    other.setWeights(model.getWeights());
    await other.optimizer.setWeights(weights);
    expect(await fit(other, 2)).toEqual(await fit(model, 2));
    for (const one of [model, other]) one.dispose();
  });
});
