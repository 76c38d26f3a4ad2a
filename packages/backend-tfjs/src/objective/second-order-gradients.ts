import * as tf from '@tensorflow/tfjs-core';
import { refuseSavedResults } from './custom-gradients.ts';

type Gradient = tf.GradConfig;

/** The derivative of y = f(x), with y computed anew from x: a saved output would be a constant to the second derivative. */
const fromInput = (kernelName: string, derivative: (dy: tf.Tensor, x: tf.Tensor) => tf.Tensor): Gradient => ({
  kernelName,
  inputsToSave: ['x'],
  gradFunc: (dy, saved) => ({ x: () => derivative(one(dy), first(saved)) }),
});

/** What jumps has the derivative 0; tfjs has none registered and throws. */
const flat = (kernelName: string, inputs: readonly string[]): Gradient => ({
  kernelName,
  inputsToSave: [...inputs],
  gradFunc: (_, saved) => Object.fromEntries(inputs.map((name, i) => [name, () => tf.zeros(saved[i]?.shape ?? [])])),
});

const one = (dy: tf.Tensor | tf.Tensor[]): tf.Tensor => (Array.isArray(dy) ? first(dy) : dy);

function first(tensors: readonly tf.Tensor[], i = 0): tf.Tensor {
  const tensor = tensors[i];
  if (tensor === undefined) throw new RangeError('a gradient was called without what it saves');
  return tensor;
}

const axisOf = (attributes: tf.NamedAttrMap, name: string): number => Number(attributes[name]);

const softmaxGradient: Gradient = {
  kernelName: 'Softmax',
  inputsToSave: ['logits'],
  gradFunc: (dy, saved, attributes) => ({
    logits: () => {
      const axis = axisOf(attributes, 'dim');
      const y = tf.softmax(first(saved), axis);
      const weighted = tf.mul(one(dy), y);
      return tf.sub(weighted, tf.mul(tf.sum(weighted, axis, true), y));
    },
  }),
};

const powGradient: Gradient = {
  kernelName: 'Pow',
  inputsToSave: ['a', 'b'],
  gradFunc: (dy, saved) => {
    const [a, b] = [first(saved), first(saved, 1)];
    const like = (x: tf.Tensor, gradient: tf.Tensor): tf.Tensor =>
      tf.reshape(tf.sum(gradient, tf.broadcast_util.getReductionAxes(x.shape, gradient.shape)), x.shape);
    return {
      a: () => like(a, tf.mul(one(dy), tf.mul(b, tf.pow(a, tf.sub(b, 1))))),
      b: () => like(b, tf.mul(one(dy), tf.mul(tf.pow(a, b), tf.where(tf.greater(a, 0), tf.log(a), tf.zerosLike(a))))),
    };
  },
};

/** The gradient of a convolution's filter is linear in the image and in dy: its derivatives are convolutions again. */
const filterGradient: Gradient = {
  kernelName: 'Conv2DBackpropFilter',
  inputsToSave: ['x', 'dy'],
  gradFunc: (g, saved, attributes) => {
    const [x, dy] = [first(saved), first(saved, 1)];
    const filter = one(g);
    const run = (kernel: string, inputs: tf.NamedTensorMap, more: tf.NamedAttrMap): tf.Tensor =>
      single(tf.engine().runKernel(kernel, inputs, { ...attributes, ...more }));
    return {
      x: () => run('Conv2DBackpropInput', { dy, filter }, { inputShape: x.shape }),
      dy: () => run('Conv2D', { x, filter }, { dilations: [1, 1] }),
    };
  },
};

const single = (result: tf.Tensor | tf.Tensor[]): tf.Tensor => (Array.isArray(result) ? first(result) : result);

const repaired: readonly Gradient[] = [
  fromInput('Exp', (dy, x) => tf.mul(dy, tf.exp(x))),
  fromInput('Sigmoid', (dy, x) => tf.mul(dy, tf.mul(tf.sigmoid(x), tf.sigmoid(tf.neg(x))))),
  fromInput('Tanh', (dy, x) => tf.mul(dy, tf.sub(1, tf.square(tf.tanh(x))))),
  fromInput('Elu', (dy, x) => tf.mul(dy, tf.where(tf.greater(x, 0), tf.onesLike(x), tf.exp(tf.minimum(x, 0))))),
  softmaxGradient,
  powGradient,
  filterGradient,
  ...['Equal', 'NotEqual', 'Less', 'LessEqual', 'Greater', 'LogicalAnd', 'LogicalOr'].map((name) => flat(name, ['a', 'b'])),
  flat('LogicalNot', ['x']),
];

let undo: (() => void) | undefined;

/**
 * Makes gradients of gradients right: those of tfjs 4.22 are silently wrong through exp, sigmoid, tanh, softmax and pow, because
 * each derivative is computed from a saved output, and throw through elu, max, clip and the filters of a
 * convolution. This registers others, for every user of tfjs on the page: values of first derivatives stay the same.
 * `logSoftmax` and `tf.losses.softmaxCrossEntropy` cannot be repaired from outside: they throw from now on where
 * they were wrong; use `crossEntropy`. Gives a function that takes it all back.
 */
export function installSecondOrderGradients(): () => void {
  if (undo !== undefined) return undo;
  const before = repaired.map(({ kernelName }) => [kernelName, tf.getGradient(kernelName)] as const);
  for (const gradient of repaired) replace(gradient.kernelName, gradient);
  const allow = refuseSavedResults();
  undo = () => {
    allow();
    for (const [name, gradient] of before) replace(name, gradient);
    undo = undefined;
  };
  return undo;
}

/** Whether gradients of gradients are right at present. */
export const secondOrderInstalled = (): boolean => undo !== undefined;

function replace(kernelName: string, gradient: Gradient | undefined): void {
  if (tf.getGradient(kernelName) !== undefined) tf.unregisterGradient(kernelName);
  if (gradient !== undefined) tf.registerGradient(gradient);
}

/**
 * Softmax cross-entropy of every sample, [samples]: log Σ exp(logits) − Σ labels·logits, for labels that sum to 1. Written with
 * operations whose second derivative `installSecondOrderGradients` makes right.
 */
export function crossEntropy(labels: tf.Tensor, logits: tf.Tensor): tf.Tensor1D {
  return tf.tidy(() => tf.sub(tf.logSumExp(logits, -1), tf.sum(tf.mul(labels, logits), -1)));
}
