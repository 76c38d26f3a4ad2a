import { reference } from '@opt/backend-reference';
import { wasm } from '@opt/backend-wasm';
import { sgd } from '@opt/transforms';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import * as layers from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { toTfjsOptimizer } from '../to-tfjs-optimizer.ts';
import type { HostBackend } from './host-session.ts';
import type { TransformOptimizer } from './transform-optimizer.ts';

const computes: Readonly<Record<string, () => HostBackend>> = { wasm, 'f32 reference': () => reference({ precision: 'f32' }) };

const plain = (compute: HostBackend): TransformOptimizer => toTfjsOptimizer(sgd({ learningRate: 1, momentum: 0 }), { compute });

const cases = ['cpu', 'wasm'].flatMap((on) => Object.entries(computes).map(([name, compute]) => ({ on, name, compute })));

describe.each(cases)('tfjs on $on, mathematics on $name', ({ on, compute }) => {
  beforeAll(async () => {
    await tf.setBackend(on);
    await tf.ready();
  });

  it('what shares a variable’s data, or was read from it, keeps its value when the variable moves', async () => {
    const optimizer = plain(compute());
    const initial = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const [variable, gradient] = [tf.variable(initial), tf.ones([2, 2])];
    const step = (): void => optimizer.applyGradients({ [variable.name]: gradient });
    step();
    const others = [tf.clone(variable), tf.reshape(variable, [4]), tf.cast(variable, 'float32'), tf.variable(tf.zeros([2, 2]))] as const;
    others[3].assign(variable);
    const arrays = [variable.dataSync(), await variable.data()];
    step();
    step();
    expect([...initial.dataSync()]).toEqual([1, 2, 3, 4]);
    for (const other of others) expect([...other.dataSync()]).toEqual([0, 1, 2, 3]);
    for (const array of arrays) expect([...array]).toEqual([0, 1, 2, 3]);
    expect([...variable.dataSync()]).toEqual([-2, -1, 0, 1]);
    tf.dispose([initial, variable, gradient, ...others]);
    optimizer.dispose();
  });

  it('products use the variable as it is, not as it was when tfjs first prepared it for them', () => {
    const optimizer = plain(compute());
    const [variable, gradient, x] = [tf.variable(tf.zeros([8, 8])), tf.ones([8, 8]), tf.eye(8)];
    for (let i = 1; i <= 3; i++) {
      optimizer.applyGradients({ [variable.name]: gradient });
      const product = tf.matMul(x, variable);
      expect([...product.dataSync()]).toEqual(new Array(64).fill(-i));
      product.dispose();
    }
    tf.dispose([variable, gradient, x]);
    optimizer.dispose();
  });

  it('variables of any length are moved to their ends', () => {
    const optimizer = plain(compute());
    const length = 2 ** 18 + 3;
    const data = Float32Array.from({ length }, (_, i) => i);
    const [variable, gradient] = [tf.variable(tf.tensor1d(data)), tf.tensor1d(data)];
    for (const expected of [0, -1]) {
      optimizer.applyGradients({ [variable.name]: gradient });
      expect(variable.dataSync().every((x, i) => x === expected * i)).toBe(true);
    }
    tf.dispose([variable, gradient]);
    optimizer.dispose();
  });

  it('two optimizers that move one variable in turns go on from each other', () => {
    const optimizers = [plain(compute()), plain(compute())] as const;
    const [variable, gradient] = [tf.variable(tf.scalar(10)), tf.scalar(1)];
    for (const turn of [0, 1, 1, 0, 0, 1] as const) optimizers[turn].applyGradients({ [variable.name]: gradient });
    expect(variable.dataSync()[0]).toBe(4);
    tf.dispose([variable, gradient]);
    for (const optimizer of optimizers) optimizer.dispose();
  });

  it('variables that begin with the same data part', () => {
    const optimizer = plain(compute());
    const initial = tf.tensor1d([1, 2]);
    const variables = [tf.variable(initial), tf.variable(initial)] as const;
    const gradients = [tf.tensor1d([1, 1]), tf.tensor1d([2, 2])] as const;
    initial.dispose();
    for (let i = 0; i < 2; i++)
      optimizer.applyGradients(Object.fromEntries(variables.map(({ name }, k) => [name, gradients[k] ?? initial])));
    expect(variables.map((variable) => [...variable.dataSync()])).toEqual([
      [-1, 0],
      [-3, -2],
    ]);
    tf.dispose([...variables, ...gradients]);
    optimizer.dispose();
  });
});

it('in model.fit on tfjs-wasm a variable stays where it is', async () => {
  await tf.setBackend('wasm');
  await tf.ready();
  const model = layers.sequential({ layers: [layers.layers.dense({ units: 3, inputShape: [2], activation: 'tanh' })] });
  model.compile({ optimizer: toTfjsOptimizer(sgd({}), { compute: wasm() }), loss: 'meanSquaredError' });
  const [x, y] = [tf.ones([4, 2]), tf.zeros([4, 3])];
  const fit = (): Promise<unknown> => model.fit(x, y, { epochs: 3, verbose: 0 });
  const weights = (): tf.Tensor[] => model.trainableWeights.map((weight) => weight.read());
  await fit();
  const [data, before] = [weights().map(({ dataId }) => dataId), weights().map((weight) => weight.dataSync())];
  await fit();
  weights().forEach((weight, i) => {
    expect(weight.dataId).toBe(data[i]);
    expect(weight.dataSync()).not.toEqual(before[i]);
  });
  tf.dispose([x, y]);
  model.dispose();
});
