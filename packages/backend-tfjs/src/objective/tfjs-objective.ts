import { BackendError, type Floats, type Objective, type PerSampleGradients, type Values } from '@opt/core';
import * as tf from '@tensorflow/tfjs-core';
import { type SharedVariable, shared, type TfjsNative } from '../tfjs.ts';
import { floats } from '../values.ts';
import { secondOrderInstalled } from './second-order-gradients.ts';

/** Whatever has trainable weights, such as a model of tfjs-layers. */
export interface Model {
  readonly trainableWeights: readonly { read(): tf.Tensor }[];
}

/** The loss of every sample of a batch, [samples], by functional operations on the model's variables. */
export type SampleLosses = (inputs: tf.Tensor, targets: tf.Tensor) => tf.Tensor;

type Gathered = Record<string, Floats>;

/** A model and a loss, ready for any batch. */
export interface TfjsObjective {
  /** The variables, for `createOptimizer({ parameters, backend: tfjs() })`, which moves them where they are. */
  readonly parameters: Readonly<Record<string, SharedVariable>>;
  /** What `optimizer.step` asks: the mean loss over this batch, its gradient, products with its Hessian, gradients of each sample. */
  on(
    inputs: tf.Tensor,
    targets: tf.Tensor,
  ): Required<Pick<Objective<string, 'sync', TfjsNative>, 'gradients' | 'loss' | 'hvp' | 'perSampleGradients' | 'samples'>>;
}

/**
 * Gradients, products with the Hessian and per-sample gradients of a tfjs model, on backends that can be read synchronously.
 * Products need `installSecondOrderGradients()`, and a loss without logSoftmax and softmaxCrossEntropy of tfjs:
 * otherwise they throw a BackendError, because tfjs would give a wrong number.
 */
export function tfjsObjective(model: Model | readonly tf.Variable[], loss: SampleLosses): TfjsObjective {
  const variables = 'trainableWeights' in model ? model.trainableWeights.map((weight) => variable(weight.read())) : [...model];
  const named = new Map(variables.map((one) => [one.name, one]));

  const meanLoss = (inputs: tf.Tensor, targets: tf.Tensor): tf.Scalar => tf.mean(loss(inputs, targets));
  const gradient = (f: () => tf.Scalar): tf.NamedTensorMap => tf.variableGrads(f, variables).grads;

  /** Every variable's tensor as numbers; those that nothing depends on are 0. */
  const gather = (tensors: tf.NamedTensorMap): Gathered =>
    Object.fromEntries(
      variables.map(({ name, size }) => [name, tensors[name] === undefined ? new Float32Array(size) : read(tensors[name])]),
    );

  /** Runs `f` with the variables at other values. */
  function elsewhere<T>(at: Values | undefined, f: () => T): T {
    if (at === undefined) return f();
    const before = variables.map((one) => tf.clone(one));
    try {
      for (const [name, one] of named) tf.tidy(() => one.assign(tf.tensor(Float32Array.from(at[name] ?? []), one.shape)));
      return f();
    } finally {
      variables.forEach((one, i) => {
        const value = before[i];
        if (value !== undefined) one.assign(value);
        value?.dispose();
      });
    }
  }

  /** Hv = ∇(∇L·v). */
  function product(inputs: tf.Tensor, targets: tf.Tensor, v: Values): Gathered {
    if (!secondOrderInstalled()) {
      throw new BackendError(
        'tfjsObjective: call installSecondOrderGradients() first: without it the second derivatives of tfjs are wrong',
      );
    }
    return scoped(() => {
      const along = (): tf.Scalar => {
        const grads = gradient(() => meanLoss(inputs, targets));
        const terms = [...named].flatMap(([name, one]): tf.Scalar[] =>
          grads[name] === undefined ? [] : [tf.sum(tf.mul(grads[name], tf.tensor(Float32Array.from(v[name] ?? []), one.shape)))],
        );
        return tf.addN(terms);
      };
      return gather(gradient(along));
    });
  }

  function ofEachSample(inputs: tf.Tensor, targets: tf.Tensor): PerSampleGradients {
    const samples = inputs.shape[0] ?? 0;
    const rows = variables.map(({ name, size }) => [name, new Float32Array(samples * size), size] as const);
    const losses = new Float32Array(samples);
    for (let i = 0; i < samples; i++) {
      tf.tidy(() => {
        const { value, grads } = tf.variableGrads(() => meanLoss(sample(inputs, i), sample(targets, i)), variables);
        losses[i] = read(value)[0] ?? Number.NaN;
        for (const [name, row, size] of rows) if (grads[name] !== undefined) row.set(read(grads[name]), i * size);
      });
    }
    return { gradients: Object.fromEntries(rows.map(([name, row]) => [name, row])), losses };
  }

  return {
    parameters: Object.fromEntries([...named].map(([name, one]) => [name, shared(one)])),
    on: (inputs, targets) => ({
      gradients: (at) => elsewhere(at, () => scoped(() => gather(gradient(() => meanLoss(inputs, targets))))),
      loss: (at) => elsewhere(at, () => tf.tidy(() => read(meanLoss(inputs, targets))[0] ?? Number.NaN)),
      hvp: (v, at) => elsewhere(at, () => product(inputs, targets, v)),
      perSampleGradients: () => ofEachSample(inputs, targets),
      samples: inputs.shape[0] ?? 0,
    }),
  };
}

/** `tf.tidy` for results that are no tensors. */
function scoped<T>(f: () => T): T {
  tf.engine().startScope();
  try {
    return f();
  } finally {
    tf.engine().endScope();
  }
}

/** A copy: the cpu backend hands out its own memory. */
const read = (tensor: tf.Tensor): Floats => floats(tensor.dataSync()).slice();

const sample = (batch: tf.Tensor, i: number): tf.Tensor => tf.slice(batch, [i], [1]);

function variable(weight: tf.Tensor): tf.Variable {
  if (weight instanceof tf.Variable) return weight;
  throw new BackendError('tfjsObjective: a trainable weight of the model is no tf.Variable');
}
