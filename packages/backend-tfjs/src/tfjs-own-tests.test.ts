import { reference } from '@opt/backend-reference';
import { chain, rule, type Transform } from '@opt/core';
import { adamw, descend, momentum, rmsprop, sgd } from '@opt/transforms';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import type { TransformOptimizer } from './optimizer/transform-optimizer.ts';
import { tfjs } from './tfjs.ts';
import { toTfjsOptimizer } from './to-tfjs-optimizer.ts';

/** The optimizer tests of tfjs-core 4.22 (`*_optimizer_test.ts`), written again for ours. The README's table comes from here. */

const variable = (values: number | number[], trainable = true): tf.Variable => tf.tidy(() => tf.variable(tf.tensor(values), trainable));
const square = (x: tf.Variable) => (): tf.Scalar => tf.sum(tf.square(x));
/** To the tolerance of tfjs's own tests. */
const expectClose = (tensor: tf.Tensor | null, expected: number[]): void => {
  const actual = [...(tensor?.dataSync() ?? [])];
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs((actual[i] ?? Number.NaN) - value)).toBeLessThanOrEqual(1e-3);
  });
};

describe.each(['on tfjs', 'on a host backend'])("tfjs's own optimizer tests, %s", (where) => {
  const make = (transform: Transform): TransformOptimizer =>
    toTfjsOptimizer(transform, where === 'on tfjs' ? { compute: tfjs() } : { compute: reference({ precision: 'f32' }) });
  const plain = (): TransformOptimizer => make(sgd({ learningRate: 0.1 }));

  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it('optimizer: basic', () => {
    const [x, bias, stray] = [variable(4), variable(1), variable(-1)];
    const optimizer = plain();
    const f = (): tf.Scalar => tf.add(tf.square(x), bias);
    const before = tf.memory().numTensors;
    const cost = optimizer.minimize(f, true);
    // On tfjs: a gradient of each variable, of the stray one too, and the verdict about them are kept.
    expect(tf.memory().numTensors - before).toBeLessThanOrEqual(where === 'on tfjs' ? 5 : 1);
    expectClose(x, [3.2]);
    expectClose(bias, [0.9]);
    expectClose(cost, [17]);
    expectClose(stray, [-1]);
    cost?.dispose();
    const settled = tf.memory().numTensors;
    expect(optimizer.minimize(f, false)).toBe(null);
    expect(tf.memory().numTensors).toBe(settled);
    expectClose(x, [2.56]);
    expectClose(bias, [0.8]);
    expectClose(stray, [-1]);
    optimizer.dispose();
    tf.dispose([x, bias, stray]);
  });

  it('optimizer: varList array of all variables, and a subset', () => {
    const [x, bias] = [variable(4), variable(1)];
    const f = (): tf.Scalar => tf.add(tf.square(x), bias);
    plain().minimize(f, false, [x, bias]);
    expectClose(x, [3.2]);
    expectClose(bias, [0.9]);
    plain().minimize(f, false, [x]);
    expectClose(x, [2.56]);
    expectClose(bias, [0.9]);
    tf.dispose([x, bias]);
  });

  it('optimizer: an empty varList, and one without anything trainable, throw', () => {
    const [x, bias] = [variable(4, false), variable(1)];
    const f = (): tf.Scalar => tf.add(tf.square(x), bias);
    expect(() => plain().minimize(f, true, [])).toThrow();
    expect(() => plain().minimize(f, true, [x])).toThrow();
    tf.dispose([x, bias]);
  });

  it('optimizer: only bias trainable', () => {
    const [x, bias] = [variable(4, false), variable(1)];
    const cost = plain().minimize(() => tf.add(tf.square(x), bias), true);
    expectClose(x, [4]);
    expectClose(bias, [0.9]);
    expectClose(cost, [17]);
    tf.dispose([x, bias]);
  });

  it('optimizer: instanceof Optimizer; a cost that is no scalar throws', () => {
    const x = variable([1, 2]);
    expect(plain() instanceof tf.Optimizer).toBe(true);
    expect(() => plain().minimize(() => tf.sum(tf.stack([x, x]), 0))).toThrow();
    x.dispose();
  });

  it('sgd: set and get weights, empty', async () => {
    const x = variable(4);
    const first = plain();
    expect((await first.getWeights()).map(({ name }) => name)).toEqual(['iter']);
    expect(first.iterations).toBe(0);
    first.minimize(square(x));
    const weights = await first.getWeights();
    expect(first.iterations).toBe(1);
    expect(weights[0]?.name).toBe('iter');
    expectClose(weights[0]?.tensor ?? null, [1]);
    // tfjs: `iter` only; ours also has counters and hyperparameters.
    expect(weights.map(({ name }) => name)).toEqual(['iter', 'opt-host']);
    const second = plain();
    await second.setWeights(weights);
    second.minimize(square(x));
    expectClose(x, [2.56]);
    expect(second.iterations).toBe(2);
    const third = plain();
    await third.setWeights(await second.getWeights());
    third.minimize(square(x));
    expectClose(x, [2.048]);
    expect(third.iterations).toBe(3);
    x.dispose();
  });

  const adam = (): TransformOptimizer => make(adamw({ learningRate: 0.1, beta1: 0.8, beta2: 0.9, epsilon: 1e-7, weightDecay: 0 }));

  it('adam: basic', () => {
    const x = variable([2, 4]);
    const optimizer = adam();
    optimizer.minimize(square(x));
    expectClose(x, [1.9, 3.9]);
    const settled = tf.memory().numTensors;
    expect(optimizer.minimize(square(x))).toBe(null);
    expect(tf.memory().numTensors).toBe(settled);
    expectClose(x, [1.8000001, 3.8002]);
    x.dispose();
    optimizer.dispose();
  });

  it('adam: continue training after loading weights', async () => {
    const x = variable([2, 4]);
    const first = adam();
    expectClose(first.minimize(square(x), true), [20]);
    expect(first.iterations).toBe(1);
    const weights = await first.getWeights();
    // tfjs: `${x.name}/m` and `/v`.
    expect(weights.map(({ name }) => name)).toEqual(['iter', 'opt-host', `adamw.m:${x.name}`, `adamw.v:${x.name}`]);
    const second = adam();
    await second.setWeights(weights);
    expectClose(second.minimize(square(x), true), [18.82]);
    expect(second.iterations).toBe(2);
    const third = adam();
    await third.setWeights(await second.getWeights());
    expectClose(third.minimize(square(x), true), [17.681284]);
    expect(third.iterations).toBe(3);
    x.dispose();
  });

  it.each([
    {
      nesterov: false,
      steps: [
        [0.8, 1.6],
        [0.54, 1.08],
      ],
    },
    {
      nesterov: true,
      steps: [
        [0.7, 1.4],
        [0.44, 0.88],
      ],
    },
  ])('momentum: basic, and saved between the steps, nesterov $nesterov', async ({ nesterov, steps: [once = [], twice = []] }) => {
    const optimizer = (): TransformOptimizer => make(sgd({ learningRate: 0.1, momentum: 0.5, nesterov }));
    const x = variable([1, 2]);
    const first = optimizer();
    first.minimize(square(x));
    expectClose(x, once);
    const second = optimizer();
    await second.setWeights(await first.getWeights());
    second.minimize(square(x));
    expectClose(x, twice);
    expect(second.iterations).toBe(2);
    x.dispose();
    first.dispose();
    second.dispose();
  });

  it.each([
    { centered: false, after: [0.5527865, 1.5527864] },
    { centered: true, after: [0.5411684, 1.5411685] },
  ])('rmsprop: basic, centered $centered', ({ centered, after }) => {
    const x = variable([1, 2]);
    make(rule(chain(rmsprop({ beta: 0.95, centered }), momentum({ momentum: 0.1 })), descend({ learningRate: 0.1 }))).minimize(square(x));
    expectClose(x, after);
    x.dispose();
  });

  it.each([false, true])('rmsprop: saved between the steps, goes on, centered %s', async (centered) => {
    const optimizer = (): TransformOptimizer => make(rule(rmsprop({ beta: 0.9, centered }), descend({ learningRate: 0.1 })));
    const [x, y] = [variable([1, 2]), variable([1, 2])];
    const [whole, first, second] = [optimizer(), optimizer(), optimizer()];
    for (let i = 0; i < 3; i++) whole.minimize(square(y), false, [y]);
    first.minimize(square(x), false, [x]);
    await second.setWeights(await first.getWeights());
    for (let i = 0; i < 2; i++) second.minimize(square(x), false, [x]);
    expect([...x.dataSync()]).toEqual([...y.dataSync()]);
    expect(second.iterations).toBe(3);
    tf.dispose([x, y]);
  });

  it('computeGradients gives what minimize applies; a varList with what is not trainable gives null for it', () => {
    const [x, frozen] = [variable(4), variable(3, false)];
    const optimizer = plain();
    const f = (): tf.Scalar => tf.mul(tf.square(x), frozen);
    const { value, grads } = optimizer.computeGradients(f, [x, frozen]);
    expectClose(value, [48]);
    expect(grads[frozen.name]).toBe(null);
    optimizer.applyGradients(grads);
    expectClose(x, [4 - 0.1 * 24]);
    expectClose(frozen, [3]);
    expectClose(optimizer.minimize(f, true, [x, frozen]), [7.68]);
    expectClose(x, [1.6 - 0.1 * 9.6]);
    expect(optimizer.iterations).toBe(2);
    tf.dispose([x, frozen, value]);
  });

  it('serialization round-trip', () => {
    const original = make(sgd({ learningRate: 0.25, momentum: 0.5 }));
    const cls: unknown = original.constructor;
    original.set('momentum', 0.75);
    expect(original.getConfig()).toMatchObject({ learningRate: 0.25, momentum: 0.75 });
    const [Registered, fromConfig] = tf.serialization.SerializationMap.getMap().classNameMap[original.getClassName()] ?? [];
    expect(Registered).toBe(cls);
    if (Registered === undefined || fromConfig === undefined) return;
    expect(fromConfig(Registered, JSON.parse(JSON.stringify(original.getConfig()))).getConfig()).toEqual(original.getConfig());
  });
});
