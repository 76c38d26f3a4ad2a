import { type WasmBackend, wasm } from '@opt/backend-wasm';
import { type Program, size, type Tensor, trace, where } from '@opt/core';
import { classCount, inputWidth, type ParameterValues, parameterShapes } from '../../../examples/race/src/model.ts';

export interface Samples {
  readonly count: number;
  readonly inputs: Float32Array;
  /** One-hot, [count, 10]. */
  readonly targets: Float32Array;
}

type Values = Readonly<Record<string, Tensor>>;

const of = (values: Values, name: string): Tensor => {
  const value = values[name];
  if (value === undefined) throw new Error(`the network has no '${name}'`);
  return value;
};

/** What every layer was given, and the logits: h ← ReLU(h Wᵀ + b), no ReLU after the last. */
function forward(values: Values): { readonly given: readonly Tensor[]; readonly logits: Tensor } {
  const layers = parameterShapes.length / 2;
  const given = [of(values, 'inputs')];
  let logits = of(values, 'inputs');
  for (let layer = 0; layer < layers; layer++) {
    logits = logits.matmul(of(values, `layer${layer}.weight`), { transposeB: true }).add(of(values, `layer${layer}.bias`));
    if (layer === layers - 1) break;
    logits = logits.max(0);
    given.push(logits);
  }
  return { given, logits };
}

/** log softmax of each row. */
const logSoftmax = (logits: Tensor): Tensor => {
  const shifted = logits.sub(logits.maximum([1], { keep: true }));
  return shifted.sub(shifted.exp().sum([1], { keep: true }).log());
};

const shapes = (count: number): Readonly<Record<string, readonly number[]>> => ({
  ...Object.fromEntries(parameterShapes.map(({ name, shape }) => [name, shape])),
  inputs: [count, inputWidth],
  targets: [count, classCount],
});

const crossEntropy = (logs: Tensor, targets: Tensor): Tensor =>
  logs
    .mul(targets)
    .sum()
    .div(-(logs.shape[0] ?? 1));

/** Mean cross-entropy and its gradient by every parameter, written out by hand: a program like any optimizer's. */
const gradientProgram = (count: number): Program =>
  trace(
    shapes(count),
    (values) => {
      const { given, logits } = forward(values);
      const logs = logSoftmax(logits);
      const results: Record<string, Tensor> = { loss: crossEntropy(logs, of(values, 'targets')).reshape([1]) };
      let error = logs.exp().sub(of(values, 'targets')).div(count);
      for (let layer = given.length - 1; layer >= 0; layer--) {
        const input = given[layer] ?? error;
        results[`gradient:layer${layer}.weight`] = error.matmul(input, { transposeA: true });
        results[`gradient:layer${layer}.bias`] = error.sum([0]);
        if (layer > 0) error = where(input.gt(0), error.matmul(of(values, `layer${layer}.weight`)), 0);
      }
      return results;
    },
    'gradients',
  );

const evaluationProgram = (count: number): Program =>
  trace(
    shapes(count),
    (values) => {
      const { logits } = forward(values);
      const best = logits.maximum([1], { keep: true });
      const hits = of(values, 'targets').mul(best.le(logits)).sum();
      return { loss: crossEntropy(logSoftmax(logits), of(values, 'targets')).reshape([1]), accuracy: hits.div(count).reshape([1]) };
    },
    'evaluation',
  );

/** A program with its own memory: arrays in, arrays out. */
function compiled(backend: WasmBackend, program: Program) {
  const buffers = new Map(
    [...program.inputs, ...program.outputs].map(({ key, shape, dtype }) => [key, backend.create('parameter', key, shape, dtype)] as const),
  );
  const bufferOf = (key: string) => {
    const buffer = buffers.get(key);
    if (buffer === undefined) throw new Error(`the program has no '${key}'`);
    return buffer;
  };
  const executable = backend.compile(program, bufferOf);
  const none = new Float64Array(0);
  return (inputs: Readonly<Record<string, ArrayLike<number>>>): ((key: string) => Float32Array) => {
    for (const { key, shape } of program.inputs) backend.write(bufferOf(key), inputs[key] ?? new Float32Array(size(shape)));
    executable.run(none);
    return (key) => Float32Array.from(backend.readBuffer(bufferOf(key)));
  };
}

export interface Classifier {
  lossAndGradients(
    parameters: ParameterValues,
    samples: Samples,
  ): { readonly loss: number; readonly gradients: Record<string, Float32Array> };
  evaluate(parameters: ParameterValues, samples: Samples): { readonly loss: number; readonly accuracy: number };
  dispose(): void;
}

/**
 * The MLP of the race on the wasm backend without fused multiply-add: the same bits in every engine. One program per number of samples.
 */
export function classifier(): Classifier {
  const backend = wasm({ fma: false });
  const programs = new Map<string, ReturnType<typeof compiled>>();
  const programFor = (name: string, make: () => Program): ReturnType<typeof compiled> => {
    const known = programs.get(name) ?? compiled(backend, make());
    programs.set(name, known);
    return known;
  };
  return {
    lossAndGradients(parameters, { count, inputs, targets }) {
      const read = programFor(`gradients ${count}`, () => gradientProgram(count))({ ...parameters, inputs, targets });
      return {
        loss: read('loss')[0] ?? Number.NaN,
        gradients: Object.fromEntries(parameterShapes.map(({ name }) => [name, read(`gradient:${name}`)])),
      };
    },
    evaluate(parameters, { count, inputs, targets }) {
      const read = programFor(`evaluation ${count}`, () => evaluationProgram(count))({ ...parameters, inputs, targets });
      return { loss: read('loss')[0] ?? Number.NaN, accuracy: read('accuracy')[0] ?? Number.NaN };
    },
    dispose: () => backend.dispose(),
  };
}
