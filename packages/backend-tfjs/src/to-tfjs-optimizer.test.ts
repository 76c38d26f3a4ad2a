import { type ReferenceBackend, reference } from '@opt/backend-reference';
import { accumulate, partition, type Transform } from '@opt/core';
import { lmAdagrad } from '@opt/lm-adagrad';
import { normalizeEma } from '@opt/normalize-ema';
import { soap } from '@opt/soap';
import { adamw, sgd } from '@opt/transforms';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import type { TransformOptimizer } from './optimizer/transform-optimizer.ts';
import { type TfjsBackend, tfjs } from './tfjs.ts';
import { toTfjsOptimizer } from './to-tfjs-optimizer.ts';

const transforms: Readonly<Record<string, () => Transform>> = {
  sgd: () => sgd({ learningRate: 0.05, momentum: 0.9 }),
  adamw: () => adamw({ learningRate: 0.01 }),
  soap: () => soap({ learningRate: 0.01, preconditionFrequency: 3 }),
  'normalize-ema': () => normalizeEma({ base: soap({ learningRate: 0.01, preconditionFrequency: 3 }) }),
  'lm-adagrad': () => lmAdagrad({ learningRate: 0.01, historySize: 4 }),
};

const computes: Readonly<Record<string, () => { compute: ReferenceBackend | TfjsBackend<'sync', 'sync'> }>> = {
  'on tfjs': () => ({ compute: tfjs() }),
  'on a host backend': () => ({ compute: reference({ precision: 'f32' }) }),
};

const cases = Object.keys(transforms).flatMap((transform) => Object.keys(computes).map((compute) => ({ transform, compute })));

const optimizerOf = ({ transform, compute }: { transform: string; compute: string }): TransformOptimizer =>
  toTfjsOptimizer(transforms[transform]?.() ?? sgd({}), { className: `Test${transform.replace(/\W/g, '')}`, ...computes[compute]?.() });

let made = 0;
function modelOf(frozen = false): layers.Sequential {
  made++;
  const seed = 7;
  const model = layers.sequential();
  const kernelInitializer = layers.initializers.glorotUniform({ seed });
  model.add(
    layers.layers.dense({ name: `first${made}`, units: 5, activation: 'tanh', inputShape: [4], trainable: !frozen, kernelInitializer }),
  );
  model.add(layers.layers.dense({ name: `second${made}`, units: 5, activation: 'tanh', kernelInitializer }));
  model.add(layers.layers.dense({ name: `third${made}`, units: 3, activation: 'softmax', kernelInitializer }));
  return model;
}

const x = Array.from({ length: 12 }, (_, i) => Array.from({ length: 4 }, (_, j) => Math.sin(3 * i + 5 * j)));
const y = x.map((_, i) => [0, 1, 2].map((k) => Number(k === i % 3)));

async function fit(model: layers.LayersModel, epochs: number): Promise<number> {
  const [xs, ys] = [tf.tensor2d(x), tf.tensor2d(y)];
  const { history } = await model.fit(xs, ys, { epochs, batchSize: 12, shuffle: false, verbose: 0 });
  tf.dispose([xs, ys]);
  return Number(history['loss']?.at(-1));
}

const compiled = (model: layers.LayersModel, optimizer: tf.Optimizer): layers.LayersModel => {
  model.compile({ optimizer, loss: 'categoricalCrossentropy' });
  return model;
};

const weightsOf = (model: layers.LayersModel): number[][] => model.getWeights().map((weight) => [...weight.dataSync()]);

/** An IO handler that keeps artifacts in memory. */
function memory(): { save: tf.io.IOHandler; load: () => tf.io.IOHandler } {
  let artifacts: tf.io.ModelArtifacts = {};
  return {
    save: {
      save: async (given) => {
        artifacts = structuredClone(given);
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
      },
    },
    load: () => ({ load: async () => artifacts }),
  };
}

describe.each(['cpu', 'wasm'])('toTfjsOptimizer with tfjs on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
    await tf.ready();
  });

  it.each(cases)('$transform $compute trains a model with model.fit', async (one) => {
    const model = compiled(modelOf(), optimizerOf(one));
    const before = await fit(model, 1);
    expect(await fit(model, 20)).toBeLessThan(before);
    model.dispose();
  });

  it.each(cases)('$transform $compute: saved and loaded beside its original, goes on as if nothing had happened', async (one) => {
    const model = compiled(modelOf(), optimizerOf(one));
    await fit(model, 7);
    const store = memory();
    await model.save(store.save, { includeOptimizer: true });
    const loaded = await layers.loadLayersModel(store.load());
    expect(loaded.trainableWeights[0]?.name).not.toBe(model.trainableWeights[0]?.name);
    expect(weightsOf(loaded)).toEqual(weightsOf(model));
    await fit(model, 10);
    await fit(loaded, 10);
    expect(weightsOf(loaded)).toEqual(weightsOf(model));
    expect(loaded.optimizer.iterations).toBe(17);
    model.dispose();
    loaded.dispose();
  });

  it.each(cases)('$transform $compute: no tensor more after 500 steps and after 5 saves', async (one) => {
    const optimizer = optimizerOf(one);
    const start = tf.memory().numTensors;
    const [kernel, bias] = tf.tidy(() => [tf.variable(tf.ones([4, 3])), tf.variable(tf.zeros([3]))] as const);
    const step = (i: number): void => {
      optimizer.minimize(() => {
        const input = tf.tensor2d([Math.sin(i), Math.cos(i), Math.sin(2 * i), 1], [1, 4]);
        return tf.sum(tf.square(tf.sub(tf.add(tf.matMul(input, kernel), bias), 0.5)));
      });
    };
    for (let i = 0; i < 12; i++) step(i);
    const settled = tf.memory().numTensors;
    for (let i = 0; i < 500; i++) step(i);
    expect(tf.memory().numTensors).toBe(settled);
    await optimizer.getWeights();
    const saved = tf.memory().numTensors;
    for (let i = 0; i < 5; i++) await optimizer.getWeights();
    expect(tf.memory().numTensors).toBe(saved);
    tf.dispose([kernel, bias]);
    optimizer.dispose();
    expect(tf.memory().numTensors).toBe(start);
  });

  it.each(Object.keys(computes))('%s: gradients that are missing or null leave their variables alone', (compute) => {
    const optimizer = optimizerOf({ transform: 'adamw', compute });
    const [a, b] = [tf.variable(tf.ones([2])), tf.variable(tf.ones([2]))];
    const gradient = tf.tensor1d([1, -1]);
    optimizer.applyGradients({ [a.name]: gradient, [b.name]: gradient });
    const after = [...b.dataSync()];
    // What tfjs itself passes for a frozen variable, against its types.
    const none: tf.Tensor = JSON.parse('null');
    optimizer.applyGradients([
      { name: a.name, tensor: gradient },
      { name: b.name, tensor: none },
    ]);
    optimizer.applyGradients({ [a.name]: gradient });
    expect([...b.dataSync()]).toEqual(after);
    expect([...a.dataSync()]).not.toEqual(after);
    tf.dispose([a, b, gradient]);
    optimizer.dispose();
  });

  it.each(Object.keys(computes))('%s: frozen layers stay, and join when they are thawed', async (compute) => {
    const model = modelOf(true);
    const optimizer = optimizerOf({ transform: 'soap', compute });
    compiled(model, optimizer);
    const [first] = model.layers;
    const frozen = (): number[][] => first?.getWeights().map((weight) => [...weight.dataSync()]) ?? [];
    const before = frozen();
    await fit(model, 5);
    expect(frozen()).toEqual(before);
    if (first !== undefined) first.trainable = true;
    compiled(model, optimizer);
    await fit(model, 5);
    expect(frozen()).not.toEqual(before);
    model.dispose();
  });

  it.each(Object.keys(computes))('%s: the order of gradients does not matter', (compute) => {
    const run = (orders: readonly (readonly number[])[]): number[][] => {
      const optimizer = optimizerOf({ transform: 'adamw', compute });
      const variables = [tf.variable(tf.ones([2])), tf.variable(tf.ones([2]))];
      const gradients = [tf.tensor1d([1, 2]), tf.tensor1d([-3, 0.1])];
      for (const order of orders) {
        optimizer.applyGradients(
          order.flatMap((i) => {
            const [variable, tensor] = [variables[i], gradients[i]];
            return variable === undefined || tensor === undefined ? [] : [{ name: variable.name, tensor }];
          }),
        );
      }
      const result = variables.map((variable) => [...variable.dataSync()]);
      tf.dispose([...variables, ...gradients]);
      optimizer.dispose();
      return result;
    };
    expect(
      run([
        [0, 1],
        [1, 0],
        [1, 0],
      ]),
    ).toEqual(
      run([
        [0, 1],
        [0, 1],
        [0, 1],
      ]),
    );
  });

  it.each(Object.keys(computes))('%s: the learning rate and the momentum can be changed while training', (compute) => {
    const optimizer = toTfjsOptimizer(sgd({ learningRate: 1, momentum: 0.5 }), computes[compute]?.());
    const variable = tf.variable(tf.scalar(10));
    const gradient = tf.scalar(1);
    const step = (): number => {
      optimizer.applyGradients({ [variable.name]: gradient });
      return variable.dataSync()[0] ?? Number.NaN;
    };
    const first = step();
    expect(optimizer.learningRate).toBe(1);
    optimizer.learningRate = 0;
    expect(step()).toBe(first);
    optimizer.set('momentum', 0);
    optimizer.learningRate = 0.5;
    expect(step()).toBeCloseTo(first - 0.5, 6);
    expect(optimizer.getConfig()).toMatchObject({ learningRate: 0.5, momentum: 0 });
    expect(() => optimizer.set('momentumm', 0)).toThrow("'momentumm' is no hyperparameter");
    tf.dispose([variable, gradient]);
    optimizer.dispose();
  });

  it.each(Object.keys(computes))('%s: what others assign to a variable is where the next step starts', (compute) => {
    const optimizer = toTfjsOptimizer(sgd({ learningRate: 1, momentum: 0 }), computes[compute]?.());
    const [variable, gradient, other] = [tf.variable(tf.scalar(10)), tf.scalar(1), tf.scalar(100)];
    optimizer.applyGradients({ [variable.name]: gradient });
    variable.assign(other);
    optimizer.applyGradients({ [variable.name]: gradient });
    expect(variable.dataSync()[0]).toBe(99);
    tf.dispose([variable, gradient, other]);
    optimizer.dispose();
  });

  it.each(Object.keys(computes))('%s: a gradient that is not finite is skipped', (compute) => {
    const optimizer = optimizerOf({ transform: 'adamw', compute });
    const [variable, good, bad] = [tf.variable(tf.scalar(1)), tf.scalar(1), tf.scalar(Number.NaN)];
    optimizer.applyGradients({ [variable.name]: good });
    const before = variable.dataSync()[0];
    optimizer.applyGradients({ [variable.name]: bad });
    expect(variable.dataSync()[0]).toBe(before);
    expect(optimizer.skippedSteps).toBe(1);
    tf.dispose([variable, good, bad]);
    optimizer.dispose();
  });

  it.each(Object.keys(computes))('%s: wrappers and joined state survive a load', async (compute) => {
    const transform = accumulate(
      2,
      partition({ one: lmAdagrad({ learningRate: 0.1, historySize: 3 }), rest: adamw({}) }, (_, shape) =>
        shape.length === 2 ? 'one' : 'rest',
      ),
    );
    const model = compiled(modelOf(), toTfjsOptimizer(transform, { className: 'Partitioned', ...computes[compute]?.() }));
    await fit(model, 5);
    const store = memory();
    await model.save(store.save, { includeOptimizer: true });
    const loaded = await layers.loadLayersModel(store.load());
    await fit(model, 4);
    await fit(loaded, 4);
    expect(weightsOf(loaded)).toEqual(weightsOf(model));
    model.dispose();
    loaded.dispose();
  });

  it('a state of another transform is refused', async () => {
    const variable = tf.variable(tf.ones([3]));
    const gradient = tf.ones([3]);
    const [adam, momentum] = [
      optimizerOf({ transform: 'adamw', compute: 'on tfjs' }),
      optimizerOf({ transform: 'sgd', compute: 'on tfjs' }),
    ];
    adam.applyGradients({ [variable.name]: gradient });
    await momentum.setWeights(await adam.getWeights());
    expect(() => momentum.applyGradients({ [variable.name]: gradient })).toThrow('the state is that of another transform');
    await expect(momentum.setWeights([{ name: 'kernel', tensor: gradient }])).rejects.toThrow("must begin with 'iter' and 'opt-host'");
    tf.dispose([variable, gradient]);
    adam.dispose();
    momentum.dispose();
    expect(() => adam.applyGradients({})).toThrow('disposed');
  });
});
