import { wasm } from '@opt/backend-wasm';
import { muon, routeMatrices, stiefel } from '@opt/geometric';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as layers from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { aboutLayers } from './optimizer/layer-roles.ts';
import { tfjs } from './tfjs.ts';
import { toTfjsOptimizer } from './to-tfjs-optimizer.ts';

const {
  dense,
  conv2d,
  conv2dTranspose,
  embedding,
  lstm,
  flatten,
  activation,
  batchNormalization,
  depthwiseConv2d,
  separableConv2d,
  bidirectional,
  timeDistributed,
} = layers.layers;

/** Roles by weight, without the numbers in names. */
const rolesOf = (model: layers.LayersModel): Record<string, string> => {
  const about = aboutLayers(model);
  return Object.fromEntries(
    model.weights.map((weight) => {
      const variable = weight.read();
      return [weight.originalName.replace(/\d+/g, ''), (variable instanceof tf.Variable ? about.get(variable)?.role : undefined) ?? 'none'];
    }),
  );
};

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('roles come from layers', () => {
  it('dense layers, whatever was built before', () => {
    const build = (): layers.LayersModel =>
      layers.sequential({
        layers: [
          dense({ name: 'one', units: 4, inputShape: [3] }),
          batchNormalization(),
          dense({ units: 4 }),
          dense({ name: 'two', units: 2 }),
          activation({ activation: 'softmax' }),
        ],
      });
    const expected = {
      'one/kernel': 'hidden',
      'one/bias': 'bias',
      'batch_normalization_BatchNormalization/gamma': 'norm',
      'batch_normalization_BatchNormalization/beta': 'bias',
      'batch_normalization_BatchNormalization/moving_mean': 'bias',
      'batch_normalization_BatchNormalization/moving_variance': 'bias',
      'dense_Dense/kernel': 'hidden',
      'dense_Dense/bias': 'bias',
      'two/kernel': 'head',
      'two/bias': 'bias',
    };
    expect(rolesOf(build())).toEqual(expected);
    expect(rolesOf(build())).toEqual(expected);
  });

  it('recurrent layers, embeddings, wrappers', () => {
    expect(
      rolesOf(
        layers.sequential({
          layers: [
            embedding({ inputDim: 9, outputDim: 4, inputLength: 5 }),
            bidirectional({ layer: lstm({ units: 3, returnSequences: true, recurrentInitializer: 'glorotUniform' }), mergeMode: 'concat' }),
            timeDistributed({ layer: dense({ units: 2 }) }),
          ],
        }),
      ),
    ).toEqual({
      'embedding_Embedding/embeddings': 'embedding',
      'bidirectional_Bidirectional/forward_lstm_LSTM/kernel': 'hidden',
      'bidirectional_Bidirectional/forward_lstm_LSTM/recurrent_kernel': 'hidden',
      'bidirectional_Bidirectional/forward_lstm_LSTM/bias': 'bias',
      'bidirectional_Bidirectional/backward_lstm_LSTM/kernel': 'hidden',
      'bidirectional_Bidirectional/backward_lstm_LSTM/recurrent_kernel': 'hidden',
      'bidirectional_Bidirectional/backward_lstm_LSTM/bias': 'bias',
      'time_distributed_TimeDistributed/kernel': 'head',
      'time_distributed_TimeDistributed/bias': 'bias',
    });
    expect(
      Object.values(
        rolesOf(layers.sequential({ layers: [lstm({ units: 3, inputShape: [4, 2], recurrentInitializer: 'glorotUniform' })] })),
      ),
    ).toEqual(['hidden', 'hidden', 'bias']);
  });

  it('convolutions, several outputs, a model in a model', () => {
    const input = layers.input({ shape: [6, 6, 2] });
    const inner = layers.sequential({
      layers: [
        conv2d({ name: 'c', filters: 4, kernelSize: 3, inputShape: [6, 6, 2] }),
        depthwiseConv2d({ name: 'd', kernelSize: 2 }),
        separableConv2d({ name: 's', filters: 3, kernelSize: 2 }),
        flatten(),
      ],
    });
    const features = inner.apply(input);
    if (Array.isArray(features) || features instanceof tf.Tensor) throw new Error('one symbolic output was expected');
    const outputs = ['p', 'q'].map((name) => dense({ name, units: 2 }).apply(features));
    const model = layers.model({ inputs: input, outputs: outputs.flatMap((one) => (one instanceof layers.SymbolicTensor ? [one] : [])) });
    expect(rolesOf(model)).toEqual({
      'c/kernel': 'hidden',
      'c/bias': 'bias',
      'd/depthwise_kernel': 'norm',
      'd/bias': 'bias',
      's/depthwise_kernel': 'norm',
      's/pointwise_kernel': 'hidden',
      's/bias': 'bias',
      'p/kernel': 'head',
      'p/bias': 'bias',
      'q/kernel': 'head',
      'q/bias': 'bias',
    });
    expect(rolesOf(inner)).toMatchObject({ 'c/kernel': 'hidden', 's/pointwise_kernel': 'head' });
  });
});

describe.each([
  ['on tfjs', tfjs],
  ['on wasm', wasm],
] as const)('muon, %s', (_, compute) => {
  const options = { learningRate: 0.5, momentum: 0, orthogonalization: 'svd', aux: { learningRate: 0.25 } } as const;

  it('has the layout of tfjs without being told: rows are inputs', () => {
    const [matrix, kernel] = [tf.variable(tf.zeros([2, 3])), tf.variable(tf.zeros([1, 2, 1, 3]))];
    const optimizer = toTfjsOptimizer(muon(options), { compute: compute() });
    const gradient = tf.tensor2d([2, 0, 0, 0, 3, 0], [2, 3]);
    optimizer.applyGradients({ [matrix.name]: gradient, [kernel.name]: tf.reshape(gradient, [1, 2, 1, 3]) });
    // msign is [[1, 0, 0], [0, 1, 0]], the scale √(out/in) = √1.5: also for the kernel, which is [k·in, out] = [2, 3].
    const expected = [-1, 0, 0, 0, -1, 0].map((x) => expect.closeTo(0.5 * Math.sqrt(1.5) * x, 5));
    expect([...matrix.dataSync()]).toEqual(expected);
    expect([...kernel.dataSync()]).toEqual(expected);
    tf.dispose([matrix, kernel]);
  });

  it('has the roles of its model, also after a load in which nobody says them', async () => {
    const model = layers.sequential({
      layers: [dense({ units: 4, inputShape: [4], useBias: false }), dense({ units: 4, useBias: false })],
    });
    const transform = muon({ ...options, roles: routeMatrices() });
    model.compile({ optimizer: toTfjsOptimizer(transform, { compute: compute(), model }), loss: 'meanSquaredError' });
    const [x, y] = [tf.randomNormal([8, 4], 0, 1, 'float32', 1), tf.randomNormal([8, 4], 0, 1, 'float32', 2)];
    const step = async (one: layers.LayersModel): Promise<number[][]> => {
      const before = one.getWeights().map((weight) => tf.clone(weight));
      await one.fit(x, y, { epochs: 1, batchSize: 8, verbose: 0 });
      return one.getWeights().map((weight, i) => [...tf.tidy(() => tf.sub(weight, before[i] ?? 0)).dataSync()]);
    };
    const [hidden = [], head = []] = await step(model);
    // An orthogonal 4 × 4 step of length 0.5·√4, and a step of AdamW, 0.25 everywhere.
    expect(Math.hypot(...hidden)).toBeCloseTo(1, 4);
    for (const moved of head) expect(Math.abs(moved)).toBeCloseTo(0.25, 4);
    let artifacts: tf.io.ModelArtifacts = {};
    await model.save(
      {
        save: async (given) => {
          artifacts = given;
          return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
        },
      },
      { includeOptimizer: true },
    );
    toTfjsOptimizer(transform, { compute: compute() });
    const loaded = await layers.loadLayersModel({ load: async () => artifacts });
    expect(await step(loaded)).toEqual(await step(model));
    model.dispose();
    loaded.dispose();
  });

  it('knows kernels of transposed convolutions by their model, [k…, out, in], also after a load without it', async () => {
    const transposed = conv2dTranspose({ filters: 3, kernelSize: [1, 2], inputShape: [1, 4, 2], useBias: false });
    const model = layers.sequential({ layers: [transposed, conv2d({ filters: 1, kernelSize: 1, useBias: false })] });
    const [kernel] = transposed.getWeights();
    const optimizer = toTfjsOptimizer(muon(options), { compute: compute(), model });
    const variable = transposed.trainableWeights[0]?.read();
    if (!(variable instanceof tf.Variable) || kernel === undefined) throw new Error('a kernel was expected');
    expect(variable.shape).toEqual([1, 2, 3, 2]);
    const gradient = tf.tensor4d([2, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0], [1, 2, 3, 2]);
    const before = [...kernel.dataSync()];
    optimizer.applyGradients({ [variable.name]: gradient });
    // As [k·out, in] = [6, 2] its polar factor is [[1, 0], [0, 1], [0, 0], …], the scale √(k·out/in) = √3.
    const step = [1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0].map((x) => -0.5 * Math.sqrt(3) * x);
    const moved = [...variable.dataSync()].map((x, i) => x - (before[i] ?? 0));
    expect(moved).toEqual(step.map((x) => expect.closeTo(x, 5)));
    const loaded = toTfjsOptimizer(muon(options), { compute: compute() });
    await loaded.setWeights(await optimizer.getWeights());
    loaded.applyGradients({ [variable.name]: gradient });
    expect([...variable.dataSync()].map((x, i) => x - (before[i] ?? 0))).toEqual(step.map((x) => expect.closeTo(2 * x, 5)));
    model.dispose();
  });

  it('what a transform has to say comes before the first step, once', () => {
    const log = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const w = tf.variable(tf.ones([4, 4]), true, 'four');
    const optimizer = toTfjsOptimizer(muon({ blocks: 3 }), { compute: compute() });
    for (let i = 0; i < 3; i++) tf.tidy(() => optimizer.applyGradients({ [w.name]: tf.ones([4, 4]) }));
    expect(log.mock.calls.map(([line]) => String(line)).filter((line) => line.startsWith('@opt'))).toEqual([
      "@opt: muon: hidden parameter 'four' must be divisible into 3 blocks of rows, received shape [4, 4]; it is updated by AdamW",
    ]);
    log.mockRestore();
    w.dispose();
  });

  it('manifolds fold kernels by the layout of tfjs', () => {
    const kernel = tf.variable(tf.randomNormal([2, 1, 2, 3], 0, 1, 'float32', 5));
    const optimizer = toTfjsOptimizer(stiefel({ learningRate: 0.1 }), { compute: compute() });
    optimizer.applyGradients({ [kernel.name]: tf.randomNormal([2, 1, 2, 3], 0, 1, 'float32', 6) });
    // [k·in, out] = [4, 3] has orthonormal columns.
    const columns = tf.reshape(kernel, [4, 3]);
    const gram = [...tf.matMul(columns, columns, true).dataSync()];
    expect(gram).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1].map((x) => expect.closeTo(x, 4)));
    kernel.dispose();
  });
});
