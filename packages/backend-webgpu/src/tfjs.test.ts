import { softwareAdapter } from '@opt/backend-contract/software-adapter';
import { reference } from '@opt/backend-reference';
import { gpuDevice, type TfjsOptimizerOptions, tfjsDevice, toTfjsOptimizer } from '@opt/backend-tfjs';
import { createOptimizer, type Transform } from '@opt/core';
import { soap } from '@opt/soap';
import { adamw } from '@opt/transforms';
import * as tf from '@tensorflow/tfjs-core';
import { layers, type Sequential, sequential } from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { webgpu } from './webgpu.ts';

softwareAdapter();
const { create, globals } = await import('webgpu');
Object.assign(globalThis, globals);
const gpu = create([]);
// What tfjs asks for; Node 20 has no navigator.
Object.defineProperty(globalThis, 'navigator', { value: { gpu, hardwareConcurrency: 2 }, configurable: true });
const { WebGPUBackend } = await import('@tensorflow/tfjs-backend-webgpu');
const adapter = await gpu.requestAdapter();
const device = await adapter?.requestDevice();
const missing = device === undefined ? ': no WebGPU adapter' : '';

const transforms: readonly [string, () => Transform][] = [
  ['adamw', () => adamw({ learningRate: 0.02 })],
  ['soap', () => soap({ learningRate: 0.02, preconditionFrequency: 3 })],
];

/** Of full rank: SOAP's basis is determined. */
const noise = (shape: [number, number], seed: number): tf.Tensor2D => tf.randomUniform(shape, -1, 1, 'float32', seed);

/** Data, and a model that starts with the same weights every time. */
function problem(): { model: Sequential; variables: tf.Variable[]; x: tf.Tensor; y: tf.Tensor } {
  const model = sequential({
    layers: [layers.dense({ units: 6, inputShape: [4], activation: 'tanh' }), layers.dense({ units: 3 })],
  });
  model.setWeights([noise([4, 6], 34), tf.zeros([6]), noise([6, 3], 45), tf.zeros([3])]);
  const variables = model.trainableWeights.map((weight) => {
    const variable = weight.read();
    if (!(variable instanceof tf.Variable)) throw new Error('a weight is a variable');
    return variable;
  });
  return { model, variables, x: noise([24, 4], 172), y: noise([24, 3], 171) };
}

async function fit(model: Sequential, x: tf.Tensor, y: tf.Tensor, epochs: number): Promise<number[]> {
  const { history } = await model.fit(x, y, { epochs, batchSize: 8, shuffle: false, verbose: 0, yieldEvery: 'never' });
  return (history['loss'] ?? []).map(Number);
}

/** The same training with the optimizer in f64 on the host; gradients are tfjs's. */
async function trainOnHost(transform: Transform, epochs: number): Promise<{ losses: number[]; parameters: number[][] }> {
  const { model, variables, x, y } = problem();
  const optimizer = createOptimizer({
    transform,
    backend: reference(),
    parameters: Object.fromEntries((await numbers(variables)).map((data, i) => [`${i}`, { shape: variables[i]?.shape ?? [], data }])),
  });
  const losses: number[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    let sum = 0;
    for (let start = 0; start < 24; start += 8) {
      const { value, grads } = tf.variableGrads(() => {
        const output = model.apply(tf.slice(x, start, 8));
        if (!(output instanceof tf.Tensor)) throw new Error('a model of one output');
        return tf.mean(tf.squaredDifference(output, tf.slice(y, start, 8)));
      }, variables);
      sum += (await value.data())[0] ?? Number.NaN;
      const gradients = await numbers(variables.map(({ name }) => grads[name] ?? tf.scalar(Number.NaN)));
      optimizer.step(Object.fromEntries(gradients.map((data, i) => [`${i}`, data])));
      variables.forEach((variable, i) => {
        variable.assign(tf.tensor(Float32Array.from(optimizer.parameters[`${i}`] ?? []), variable.shape));
      });
    }
    losses.push(sum / 3);
  }
  return { losses, parameters: await numbers(variables) };
}

const numbers = (variables: readonly tf.Tensor[]): Promise<number[][]> =>
  Promise.all(variables.map(async (variable) => Array.from(await variable.data())));

/** The GPU buffers in which tfjs has these. */
function buffersOf(tensors: readonly tf.Tensor[]): unknown[] {
  const backend = tf.backend();
  if (!(backend instanceof WebGPUBackend)) throw new Error('tfjs is on webgpu');
  return tensors.map(({ dataId }) => backend.tensorMap.get(dataId).resource);
}

const close = (actual: readonly number[][], expected: readonly number[][], tolerance: number): void => {
  const difference = actual.flatMap((row, i) => row.map((x, j) => Math.abs(x - (expected[i]?.[j] ?? Number.NaN))));
  expect(Math.max(...difference)).toBeLessThanOrEqual(tolerance);
};

describe.skipIf(missing)(`toTfjsOptimizer on tfjs's own device${missing}`, () => {
  beforeAll(async () => {
    if (device === undefined || adapter === undefined || adapter === null) return;
    tf.registerBackend('webgpu', () => new WebGPUBackend(device, adapter.info));
    await tf.setBackend('webgpu');
    await tf.ready();
  });

  afterAll(() => {
    tf.removeBackend('webgpu');
    device?.destroy();
  });

  const compiled = (transform: Transform, options: TfjsOptimizerOptions) => {
    const { model, ...rest } = problem();
    const optimizer = toTfjsOptimizer(transform, options);
    model.compile({ optimizer, loss: 'meanSquaredError' });
    return { model, optimizer, ...rest };
  };

  it.each(transforms)('model.fit with %s: as on the host; in place, hardly anything read back, nothing grows', async (_, transform) => {
    const expected = await trainOnHost(transform(), 6);
    const compute = webgpu({ device: gpuDevice() });
    const { model, optimizer, variables, x, y } = compiled(transform(), { compute });
    const initial = buffersOf(variables);
    const losses = await fit(model, x, y, 2);
    const { pipelines, buffers } = compute.counters;
    const { numTensors } = tf.memory();
    losses.push(...(await fit(model, x, y, 4)));
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(compute.counters).toMatchObject({ pipelines, buffers });
    // Whether a step was skipped is asked after steps 1, 2, 4, 8, …, and not waited for.
    expect(compute.counters.readBacks).toBeLessThanOrEqual(5);
    if (initial.every((buffer) => buffer !== undefined)) expect(buffersOf(variables)).toEqual(initial);
    close([losses], [expected.losses], 1e-4);
    close(await numbers(variables), expected.parameters, 1e-3);
    expect(await optimizer.skippedSteps).toBe(0);
  });

  it('a clone keeps its value, a variable that was read or assigned to is right', async () => {
    const compute = webgpu({ device: gpuDevice() });
    const { variables } = problem();
    const twins = variables.map((variable) => tf.variable(tf.tidy(() => tf.mul(variable, 1))));
    const optimizer = toTfjsOptimizer(adamw({ learningRate: 0.1 }), { compute });
    const other = toTfjsOptimizer(adamw({ learningRate: 0.1 }), { compute: tfjsDevice() });
    const step = (one: typeof optimizer, on: readonly tf.Variable[]): void => {
      one.applyGradients(on.map((variable) => ({ name: variable.name, tensor: tf.sin(variable) })));
    };
    const first = variables[0] ?? tf.variable(tf.scalar(0));
    step(optimizer, variables);
    step(other, twins);
    close(await numbers(variables), await numbers(twins), 5e-6);
    const [before] = await numbers([first]);
    const snapshot = tf.clone(first);
    const [buffer] = buffersOf([first]);
    step(optimizer, variables);
    step(other, twins);
    close(await numbers(variables), await numbers(twins), 5e-6);
    close(await numbers([snapshot]), [before ?? []], 0);
    for (const one of [first, twins[0]]) one?.assign(tf.fill(first.shape, 0.25));
    step(optimizer, variables);
    step(other, twins);
    close(await numbers(variables), await numbers(twins), 5e-6);
    close(await numbers([snapshot]), [before ?? []], 0);
    expect(buffersOf([first])).toEqual([buffer]);
  });

  it('goes on from its weights, and takes its average at the end', async () => {
    const transform = () => adamw({ learningRate: 0.02 });
    const through = compiled(transform(), { compute: webgpu({ device: gpuDevice() }) });
    await fit(through.model, through.x, through.y, 4);
    const first = compiled(transform(), { compute: webgpu({ device: gpuDevice() }) });
    await fit(first.model, first.x, first.y, 2);
    const resumed = compiled(transform(), { compute: webgpu({ device: gpuDevice() }) });
    await resumed.optimizer.setWeights(await first.optimizer.getWeights());
    resumed.model.setWeights(first.model.getWeights());
    await fit(resumed.model, resumed.x, resumed.y, 2);
    close(await numbers(resumed.variables), await numbers(through.variables), 0);
    expect(resumed.optimizer.iterations).toBe(12);
  });

  it('judges with an average that is there for a while, measures, and goes on in the same buffers', async () => {
    const transform = () => adamw({ learningRate: 0.02, useEma: true, emaMomentum: 0.9 });
    const plain = compiled(transform(), { compute: webgpu({ device: gpuDevice() }) });
    await fit(plain.model, plain.x, plain.y, 4);
    const { model, optimizer, variables, x, y } = compiled(transform(), {
      compute: webgpu({ device: gpuDevice() }),
      metrics: { every: 1 },
    });
    await fit(model, x, y, 2);
    const [trained, buffers] = [await numbers(variables), buffersOf(variables)];
    const average = await optimizer.evaluating(() => numbers(variables));
    expect(average).not.toEqual(trained);
    close(await numbers(variables), trained, 0);
    expect(buffersOf(variables)).toEqual(buffers);
    await fit(model, x, y, 2);
    close(await numbers(variables), await numbers(plain.variables), 0);
    const metrics = await optimizer.metrics();
    expect(metrics?.measured).toBe(12);
    expect(metrics?.parameter).toBeCloseTo(Math.hypot(...(await numbers(variables)).flat()), 4);
    expect(metrics?.ratio).toBeGreaterThan(0);
  });

  it('refuses a backend on another device', async () => {
    const foreign = await (await gpu.requestAdapter())?.requestDevice();
    if (foreign === undefined) throw new Error('a second device');
    const { variables } = problem();
    const [variable] = variables;
    const apply = (): void =>
      toTfjsOptimizer(adamw(), { compute: webgpu({ device: foreign }) }).applyGradients({ [variable?.name ?? '']: tf.zeros([4, 6]) });
    expect(apply).toThrow("'compute' must be on tfjs's own GPUDevice");
    foreign.destroy();
  });
});
