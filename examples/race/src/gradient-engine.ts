import { defaultDevice, init, jit, nn, numpy as np, valueAndGrad } from '@jax-js/jax';
import type { Samples } from './mnist1d.ts';
import { classCount, inputWidth, type ParameterValues, parameterShapes } from './model.ts';

interface LossAndGradients {
  readonly loss: number;
  readonly gradients: Record<string, Float32Array>;
}

export interface Evaluation {
  readonly loss: number;
  /** Share of samples whose largest logit is the right class, in [0, 1]. */
  readonly accuracy: number;
}

/** What the race asks of an automatic differentiator: typed arrays in, typed arrays out. */
export interface GradientEngine {
  /** Mean cross-entropy of the samples and its gradient by every parameter. Compiled once per number of samples. */
  lossAndGradients(parameters: ParameterValues, samples: Samples): LossAndGradients;
  evaluate(parameters: ParameterValues, samples: Samples): Evaluation;
  dispose(): void;
}

/** Logits [n, 10] of inputs x [n, 40]: h ← ReLU(h Wᵀ + b) layer by layer, no ReLU after the last. Operations of jax-js consume what they are given. */
const logits = (parameters: np.Array[], x: np.Array): np.Array => {
  let h = x;
  for (let index = 0; index < parameters.length; index += 2) {
    const [weight, bias] = parameters.slice(index, index + 2);
    if (weight === undefined || bias === undefined) throw new Error('every layer needs a weight and a bias');
    if (index > 0) h = nn.relu(h);
    h = np.matmul(h, np.matrixTranspose(weight)).add(bias);
  }
  return h;
};

/** Mean over the samples of −Σ_c target_c · log softmax(logits)_c. */
const crossEntropy = (scores: np.Array, targets: np.Array): np.Array => np.mean(np.sum(nn.logSoftmax(scores, 1).mul(targets), 1)).neg();

const loss = (parameters: np.Array[], x: np.Array, targets: np.Array): np.Array => crossEntropy(logits(parameters, x), targets);

const evaluation = (parameters: np.Array[], x: np.Array, targets: np.Array): np.Array[] => {
  const scores = logits(parameters, x);
  const hits = np.equal(np.argmax(scores.ref, 1), np.argmax(targets.ref, 1));
  return [crossEntropy(scores, targets), np.mean(np.astype(hits, np.float32))];
};

/** The gradients of the MLP by jax-js: `jit(valueAndGrad(loss))` on its WebAssembly device. */
export const gradientEngine = async (): Promise<GradientEngine> => {
  // jax-js asks navigator for the number of cores; Node 20 has no navigator yet.
  if (!('navigator' in globalThis))
    Object.defineProperty(globalThis, 'navigator', { value: { hardwareConcurrency: 2 }, configurable: true });
  const available = await init('wasm');
  if (!available.includes('wasm')) throw new Error('jax-js found no WebAssembly device');
  defaultDevice('wasm');

  const lossWithGradients = jit(valueAndGrad(loss));
  const evaluated = jit(evaluation);
  return {
    lossAndGradients(parameters, samples) {
      const [value, gradients] = lossWithGradients(upload(parameters), ...uploadSamples(samples));
      return {
        loss: scalar(value),
        gradients: Object.fromEntries(parameterShapes.map(({ name }, index) => [name, values(gradients[index])])),
      };
    },
    evaluate(parameters, samples) {
      const [value, accuracy] = evaluated(upload(parameters), ...uploadSamples(samples));
      return { loss: scalar(value), accuracy: scalar(accuracy) };
    },
    dispose() {
      lossWithGradients.dispose();
      evaluated.dispose();
    },
  };
};

const upload = (parameters: ParameterValues): np.Array[] =>
  parameterShapes.map(({ name, shape, size }) => {
    const data = parameters[name];
    if (data?.length !== size) throw new Error(`parameter ${name}: expected ${size} values, got ${data?.length ?? 'none'}`);
    return np.array(new Float32Array(data), { shape: [...shape] });
  });

const uploadSamples = ({ count, inputs, targets }: Samples): [np.Array, np.Array] => [
  np.array(inputs, { shape: [count, inputWidth] }),
  np.array(targets, { shape: [count, classCount] }),
];

const values = (array: np.Array | undefined): Float32Array => {
  const data = array?.dataSync();
  if (!(data instanceof Float32Array)) throw new Error('jax-js returned something other than float32 values');
  return data;
};

const scalar = (array: np.Array | undefined): number => values(array)[0] ?? Number.NaN;
