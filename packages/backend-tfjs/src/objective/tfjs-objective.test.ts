import { createOptimizer, type Values } from '@opt/core';
import { adamw, extragradient } from '@opt/transforms';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { initializers, layers, sequential } from '@tensorflow/tfjs-layers';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { tfjs } from '../tfjs.ts';
import { crossEntropy, installSecondOrderGradients } from './second-order-gradients.ts';
import { type SampleLosses, type TfjsObjective, tfjsObjective } from './tfjs-objective.ts';

const variable = (shape: number[], seed: number): tf.Variable =>
  tf.tidy(() => tf.variable(tf.randomUniform(shape, -0.9, 0.9, 'float32', seed)));
const batch = (): [tf.Tensor, tf.Tensor] => [
  tf.randomUniform([6, 4], -1, 1, 'float32', 11),
  tf.oneHot(tf.tensor1d([0, 1, 2, 2, 1, 0], 'int32'), 3),
];

/** A layer of each activation, then softmax cross-entropy. */
function network(activation: (x: tf.Tensor) => tf.Tensor, loss: SampleLosses = (y, z) => crossEntropy(y, z)) {
  const variables = [variable([4, 5], 1), variable([5], 2), variable([5, 3], 3), variable([3], 4)] as const;
  const [w1, b1, w2, b2] = variables;
  const losses: SampleLosses = (x, y) => loss(y, tf.add(tf.matMul(activation(tf.add(tf.matMul(x, w1), b1)), w2), b2));
  return { variables, objective: tfjsObjective(variables, losses) };
}

/** max|Hv − (g(x+hv) − g(x−hv))/2h| relative to max|Hv|. */
function error(objective: TfjsObjective, variables: readonly tf.Variable[]): number {
  const on = objective.on(...batch());
  const v: Record<string, Float32Array> = Object.fromEntries(
    variables.map((one, k) => [one.name, Float32Array.from({ length: one.size }, (_, i) => Math.sin(7 * i + k))]),
  );
  const present: Values = Object.fromEntries(variables.map((one) => [one.name, Float32Array.from(one.dataSync())]));
  const h = 1e-2;
  const gradientAt = (sign: number): Record<string, ArrayLike<number> | null | undefined> => {
    const at = Object.fromEntries(
      Object.entries(present).map(([name, x]) => [name, Float32Array.from(x, (value, i) => value + sign * h * (v[name]?.[i] ?? 0))]),
    );
    return numbers(on.gradients(at));
  };
  const product = numbers(on.hvp(v));
  const [up, down] = [gradientAt(1), gradientAt(-1)];
  let [difference, largest] = [0, 0];
  for (const { name, size } of variables) {
    for (let i = 0; i < size; i++) {
      const expected = ((up[name]?.[i] ?? Number.NaN) - (down[name]?.[i] ?? Number.NaN)) / (2 * h);
      difference = Math.max(difference, Math.abs((product[name]?.[i] ?? Number.NaN) - expected));
      largest = Math.max(largest, Math.abs(expected));
    }
  }
  return difference / largest;
}

const numbers = (given: Readonly<Record<string, unknown>>): Record<string, Float32Array> =>
  Object.fromEntries(Object.entries(given).flatMap(([name, data]) => (data instanceof Float32Array ? [[name, data]] : [])));

let uninstall: (() => void) | undefined;
afterEach(() => {
  uninstall?.();
  uninstall = undefined;
});

beforeAll(async () => {
  await tf.setBackend('cpu');
  await tf.ready();
});

/** d²/dx₀² of Σ f(x)² at one point, by tfjs and by a difference of first derivatives. */
function secondDerivative(f: (x: tf.Tensor) => tf.Tensor): { actual: () => number; expected: number } {
  const gradient = tf.grad((x: tf.Tensor) => tf.sum(tf.square(f(x))));
  const at = (x: number): tf.Tensor => tf.tensor2d([[x, -0.4]]);
  const h = 1e-2;
  const [up, down] = [0.3 + h, 0.3 - h].map((x) => tf.tidy(() => gradient(at(x)).dataSync()[0] ?? Number.NaN));
  const second = tf.grad((x: tf.Tensor) => tf.sum(tf.mul(gradient(x), tf.tensor2d([[1, 0]]))));
  return {
    actual: () => tf.tidy(() => second(at(0.3)).dataSync()[0] ?? Number.NaN),
    expected: ((up ?? Number.NaN) - (down ?? Number.NaN)) / (2 * h),
  };
}

describe('second derivatives', () => {
  it.each([
    ['exp', tf.exp],
    ['sigmoid', tf.sigmoid],
    ['tanh', tf.tanh],
    ['softmax', tf.softmax],
    ['pow', (x: tf.Tensor) => tf.pow(2, x)],
  ] as const)('of %s: tfjs alone is silently wrong, repaired they are right', (_, f) => {
    const { actual, expected } = secondDerivative((x) => f(x));
    expect(Math.abs(actual() - expected)).toBeGreaterThan(0.02 * Math.abs(expected));
    uninstall = installSecondOrderGradients();
    expect(Math.abs(actual() - expected)).toBeLessThan(2e-3 * Math.max(1, Math.abs(expected)));
  });

  it.each([
    ['elu', (x: tf.Tensor) => tf.elu(tf.neg(x))],
    ['max', (x: tf.Tensor) => tf.mul(x, tf.max(x, -1, true))],
    ['clip', (x: tf.Tensor) => tf.square(tf.clipByValue(x, -0.5, 0.5))],
  ] as const)('of %s: tfjs alone throws, repaired they are right', (_, f) => {
    const { actual, expected } = secondDerivative(f);
    expect(actual).toThrow();
    uninstall = installSecondOrderGradients();
    expect(Math.abs(actual() - expected)).toBeLessThan(2e-3 * Math.max(1, Math.abs(expected)));
  });

  it.each([
    ['logSoftmax', tf.logSoftmax],
    ['softmaxCrossEntropy', (x: tf.Tensor) => tf.losses.softmaxCrossEntropy(tf.tensor2d([[0.2, 0.8]]), x)],
  ] as const)('of %s: repaired, what was wrong throws, and first derivatives are as before', (_, f) => {
    const { actual, expected } = secondDerivative((x) => f(x));
    expect(Math.abs(actual() - expected)).toBeGreaterThan(0.02 * Math.abs(expected));
    uninstall = installSecondOrderGradients();
    expect(actual).toThrow('use crossEntropy');
    expect(secondDerivative((x) => f(x)).expected).toBe(expected);
  });

  it('of a convolution, filters included', () => {
    uninstall = installSecondOrderGradients();
    const [filter, w] = [variable([2, 2, 1, 2], 1), variable([2, 3], 2)];
    const objective = tfjsObjective([filter, w], (x, y) => {
      const image = tf.reshape(x, [-1, 2, 2, 1]) as tf.Tensor4D;
      const features = tf.reshape(tf.tanh(tf.conv2d(image, filter as tf.Variable<tf.Rank.R4>, 1, 'valid')), [-1, 2]);
      return crossEntropy(y, tf.matMul(features, w));
    });
    expect(error(objective, [filter, w])).toBeLessThan(1e-3);
  });
});

describe('tfjsObjective', () => {
  it.each([
    ['tanh', (x: tf.Tensor) => tf.tanh(x)],
    ['sigmoid', (x: tf.Tensor) => tf.sigmoid(x)],
    ['softplus', (x: tf.Tensor) => tf.softplus(x)],
    ['softmax', (x: tf.Tensor) => tf.softmax(x)],
  ] as const)('products with the Hessian of %s and softmax cross-entropy equal central differences to 1e-3', (_, activation) => {
    uninstall = installSecondOrderGradients();
    const { objective, variables } = network(activation);
    expect(error(objective, variables)).toBeLessThan(1e-3);
  });

  it('without the repair, and where tfjs cannot be repaired, a clear error', () => {
    const { objective, variables } = network((x) => tf.tanh(x));
    expect(() => error(objective, variables)).toThrow('call installSecondOrderGradients() first');
    uninstall = installSecondOrderGradients();
    const other = network(
      (x) => tf.tanh(x),
      (y, z) => tf.neg(tf.sum(tf.mul(y, tf.logSoftmax(z)), -1)),
    );
    expect(() => error(other.objective, other.variables)).toThrow('use crossEntropy');
    expect(numbers(other.objective.on(...batch()).gradients())[other.variables[0].name]).toHaveLength(20);
  });

  it('a model of tfjs-layers; the mean of the gradients of the samples is the gradient', () => {
    uninstall = installSecondOrderGradients();
    const model = sequential({
      layers: [
        layers.dense({ units: 5, inputShape: [4], activation: 'tanh', kernelInitializer: initializers.glorotUniform({ seed: 1 }) }),
        layers.dense({ units: 3, kernelInitializer: initializers.glorotUniform({ seed: 2 }) }),
      ],
    });
    const objective = tfjsObjective(model, (x, y) => crossEntropy(y, model.apply(x) as tf.Tensor));
    const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
    expect(error(objective, variables)).toBeLessThan(1e-3);
    const on = objective.on(...batch());
    const { gradients, losses } = on.perSampleGradients() as { gradients: Record<string, Float32Array>; losses: ArrayLike<number> };
    expect(Array.from(losses).reduce((sum, x) => sum + x, 0) / on.samples).toBeCloseTo(Number(on.loss()), 5);
    for (const [name, whole] of Object.entries(numbers(on.gradients()))) {
      whole.forEach((value, j) => {
        let sum = 0;
        for (let i = 0; i < on.samples; i++) sum += gradients[name]?.[i * whole.length + j] ?? Number.NaN;
        expect(sum / on.samples).toBeCloseTo(value, 5);
      });
    }
  });

  it('answers at other parameters as it does there, and leaves the variables as they were', () => {
    uninstall = installSecondOrderGradients();
    const { objective, variables } = network((x) => tf.tanh(x));
    const on = objective.on(...batch());
    const values = (): Record<string, Float32Array> =>
      Object.fromEntries(variables.map((one) => [one.name, Float32Array.from(one.dataSync())]));
    const [before, v] = [values(), Object.fromEntries(variables.map((one) => [one.name, new Float32Array(one.size).fill(0.5)]))];
    const at = Object.fromEntries(Object.entries(before).map(([name, x]) => [name, x.map((value, i) => value + 0.1 * Math.sin(i))]));
    const elsewhere = [on.loss(at), numbers(on.gradients(at)), numbers(on.hvp(v, at))];
    expect(values()).toEqual(before);
    expect(on.loss()).not.toBe(elsewhere[0]);
    for (const one of variables) tf.tidy(() => one.assign(tf.tensor(at[one.name] ?? [], one.shape)));
    expect([on.loss(), numbers(on.gradients()), numbers(on.hvp(v))]).toEqual(elsewhere);
  });

  it('an optimizer that asks in the middle of a step moves variables as by hand', () => {
    const { objective, variables } = network((x) => tf.tanh(x));
    const on = objective.on(...batch());
    const values = (): number[] => variables.flatMap((one) => [...one.dataSync()]);
    const [before, gradients] = [values(), numbers(on.gradients())];
    const half = Object.fromEntries(
      variables.map((one) => [one.name, Float32Array.from(one.dataSync(), (x, i) => x - 0.1 * (gradients[one.name]?.[i] ?? Number.NaN))]),
    );
    const ahead = variables.flatMap((one) => [...(numbers(on.gradients(half))[one.name] ?? [])]);
    const transform = extragradient({ learningRate: 0.1 });
    const optimizer = createOptimizer({ transform, parameters: objective.parameters, backend: tfjs() });
    optimizer.step(on);
    values().forEach((x, i) => {
      expect(x).toBeCloseTo((before[i] ?? Number.NaN) - 0.1 * (ahead[i] ?? Number.NaN), 6);
    });
    optimizer.step(on);
    const { numTensors } = tf.memory();
    for (let i = 0; i < 10; i++) optimizer.step(on);
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  it('leaves no tensor behind, and an optimizer learns from it', () => {
    uninstall = installSecondOrderGradients();
    const { objective, variables } = network((x) => tf.tanh(x));
    const [x, y] = batch();
    const on = objective.on(x, y);
    const optimizer = createOptimizer({ transform: adamw({ learningRate: 0.05 }), parameters: objective.parameters, backend: tfjs() });
    const before = Number(on.loss());
    optimizer.step(on);
    const { numTensors } = tf.memory();
    for (let i = 0; i < 20; i++) {
      optimizer.step(on);
      on.hvp(Object.fromEntries(variables.map((one) => [one.name, new Float32Array(one.size).fill(1)])));
      on.perSampleGradients();
    }
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(Number(on.loss())).toBeLessThan(0.5 * before);
  });
});
