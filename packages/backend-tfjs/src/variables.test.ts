import { wasm } from '@opt/backend-wasm';
import { CheckpointError, type Transform } from '@opt/core';
import { lmAdagrad } from '@opt/lm-adagrad';
import { soap } from '@opt/soap';
import { adamw, sgd } from '@opt/transforms';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as layers from '@tensorflow/tfjs-layers';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TransformOptimizer } from './optimizer/transform-optimizer.ts';
import { tfjs } from './tfjs.ts';
import { toTfjsOptimizer } from './to-tfjs-optimizer.ts';

/** State belongs to a variable. What variables do in the lives of programs, with values by hand: v ← v/2 + g, w ← w − v. */

const computes = { 'on tfjs': tfjs, 'on wasm': wasm };
const halving = (): Transform => sgd({ learningRate: 1, momentum: 0.5 });

describe.each(['on tfjs', 'on wasm'] as const)('%s', (where) => {
  const make = (transform: Transform = halving()): TransformOptimizer => toTfjsOptimizer(transform, { compute: computes[where]() });
  const variable = (name?: string, values: number[] = [0]): tf.Variable => tf.tidy(() => tf.variable(tf.tensor1d(values), true, name));
  const value = (one: tf.Variable): number[] => [...one.dataSync()];
  /** One step; every variable has its gradient. */
  const step = (optimizer: TransformOptimizer, ...gradients: readonly (readonly [tf.Variable, number])[]): void =>
    tf.tidy(() => optimizer.applyGradients(gradients.map(([{ name, shape }, g]) => ({ name, tensor: tf.fill(shape, g) }))));

  beforeAll(async () => {
    await tf.setBackend('cpu');
  });
  afterEach(() => tf.disposeVariables());

  it('variables without names: saved in the order of varList, found by name', async () => {
    const [a, b] = [variable(), variable()];
    const f = (): tf.Scalar => tf.sum(tf.add(a, tf.mul(b, 100)));
    const [first, second] = [make(), make()];
    first.minimize(f, false, [b, a]);
    await second.setWeights(await first.getWeights());
    second.minimize(f, false, [b, a]);
    expect([value(a), value(b)]).toEqual([[-2.5], [-250]]);
    const [c, d] = [variable(), variable()];
    const third = make();
    await third.setWeights(await second.getWeights());
    // Nothing tells but the order of declaration: d is b. Velocities are 150 and 1.5.
    third.minimize(() => tf.sum(tf.add(c, d)), false, [d, c]);
    expect([value(c), value(d)]).toEqual([[-1.75], [-76]]);
    tf.dispose([a, b, c, d]);
  });

  it('names come before order: what joined late keeps its own state in another session', async () => {
    const [l0, l1] = [variable('l0'), variable('l1')];
    const first = make();
    step(first, [l1, 8]);
    step(first, [l0, 1], [l1, 8]);
    const second = make();
    await second.setWeights(await first.getWeights());
    step(second, [l0, 1], [l1, 8]);
    expect([value(l0), value(l1)]).toEqual([[-1 - 1.5], [-8 - 12 - 14]]);
    tf.dispose([l0, l1]);
  });

  it('a layer that was frozen when the state was saved starts fresh when it is thawed', async () => {
    const [l0, l1] = [variable('l0'), variable('l1')];
    const first = make();
    step(first, [l1, 8]);
    const second = make();
    await second.setWeights(await first.getWeights());
    step(second, [l0, 1], [l1, 8]);
    expect([value(l0), value(l1)]).toEqual([[-1], [-20]]);
    const third = make();
    await third.setWeights(await second.getWeights());
    step(third, [l1, 0]);
    step(third, [l0, 1], [l1, 0]);
    expect([value(l0), value(l1)]).toEqual([[-2.5], [-20 - 6 - 3]]);
    tf.dispose([l0, l1]);
  });

  it('one optimizer for several models: one that is gone takes its state along, and none comes back under its name', async () => {
    const optimizer = make();
    const [a, b] = [variable('a'), variable('b')];
    step(optimizer, [a, 8], [b, 1]);
    a.dispose();
    step(optimizer, [b, 1]);
    const c = variable('c');
    step(optimizer, [b, 1], [c, 4]);
    expect([value(b), value(c)]).toEqual([[-1 - 1.5 - 1.75], [-4]]);
    const again = variable('a');
    step(optimizer, [again, 2]);
    step(optimizer, [again, 2], [c, 4]);
    expect([value(again), value(c)]).toEqual([[-2 - 3], [-10]]);
    again.dispose();
    expect((await optimizer.getWeights()).map(({ name }) => name)).toEqual(
      ['iter', 'opt-host', 'sgd.buf:b', 'sgd.buf:c'].map((name) => expect.stringContaining(name.split(':')[1] ?? name)),
    );
    tf.dispose([b, c]);
  });

  it('a model that is rebuilt, and a head that is replaced, start fresh, also in the next session', async () => {
    const optimizer = make();
    const [body, head] = [variable('body/kernel'), variable('head/kernel')];
    step(optimizer, [body, 1], [head, 8]);
    // A layer that is popped keeps its variables; the new one of its name gets a suffix.
    const other = variable('head/kernel_1');
    step(optimizer, [body, 1], [other, 2]);
    expect(value(other)).toEqual([-2]);
    const weights = await optimizer.getWeights();
    const next = make();
    await next.setWeights(weights);
    tf.dispose([body, head, other]);
    const [loadedBody, loadedHead] = [variable('body/kernel'), variable('head/kernel')];
    step(next, [loadedBody, 0], [loadedHead, 0]);
    expect([value(loadedBody), value(loadedHead)]).toEqual([[-0.75], [-1]]);
    tf.dispose([loadedBody, loadedHead]);
  });

  it('a state that fits in no way is refused, and the optimizer goes on where it does', async () => {
    const [a, b] = [variable('a'), variable('b')];
    const [first, second] = [make(), make()];
    step(first, [a, 1]);
    await second.setWeights(await first.getWeights());
    const stranger = variable('stranger', [0, 0]);
    expect(() => step(second, [stranger, 1])).toThrow(CheckpointError);
    expect(value(stranger)).toEqual([0, 0]);
    step(second, [a, 1], [b, 1]);
    expect([value(a), value(b)]).toEqual([[-2.5], [-1]]);
    tf.dispose([a, b, stranger]);
  });

  it('what joins all variables starts anew when one comes or goes, and says so', () => {
    const log = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const joined = (): TransformOptimizer => make(lmAdagrad({ learningRate: 0.1, historySize: 5 }));
    const [one, other] = [joined(), joined()];
    const [a, b] = [variable('a', [1, 2]), variable('b', [3])];
    for (const g of [1, -2]) step(one, [a, g]);
    const [c, d] = [variable('c', value(a)), variable('d', [3])];
    for (const g of [1, 3]) {
      step(one, [a, g], [b, 2]);
      step(other, [c, g], [d, 2]);
    }
    expect([value(a), value(b)]).toEqual([value(c), value(d)]);
    expect(log.mock.calls.map(([line]) => String(line)).filter((line) => line.startsWith('@opt'))).toEqual([
      '@opt: toTfjsOptimizer: lm-adagrad.history, lm-adagrad.K: what joins all variables starts anew when some come or go',
    ]);
    log.mockRestore();
  });
});

describe.each(['on tfjs', 'on wasm'] as const)('layers, %s', (where) => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  const x = tf.tensor2d(
    Array.from({ length: 32 }, (_, i) => Math.sin(3 * i)),
    [8, 4],
  );
  const y = tf.tensor2d(
    Array.from({ length: 32 }, (_, i) => Math.cos(5 * i)),
    [8, 4],
  );
  const build = (frozen = false): layers.Sequential =>
    layers.sequential({
      layers: [0, 1, 2].map((i) =>
        layers.layers.dense({
          units: 4,
          activation: 'tanh',
          trainable: !(frozen && i === 0),
          kernelInitializer: layers.initializers.glorotUniform({ seed: i }),
          ...(i === 0 && { inputShape: [4] }),
        }),
      ),
    });
  const compiled = <M extends layers.LayersModel>(model: M, optimizer: tf.Optimizer): M => {
    model.compile({ optimizer, loss: 'meanSquaredError' });
    return model;
  };
  const fit = async (model: layers.LayersModel, epochs: number): Promise<number[]> =>
    ((await model.fit(x, y, { epochs, batchSize: 8, shuffle: false, verbose: 0 })).history['loss'] ?? []).map(Number);
  const thaw = (model: layers.LayersModel): void => {
    const [first] = model.layers;
    if (first !== undefined) first.trainable = true;
  };
  const make = (transform: Transform = adamw({ learningRate: 0.01 })): TransformOptimizer =>
    toTfjsOptimizer(transform, { className: 'VariablesTest', compute: computes[where]() });
  async function reloaded(model: layers.LayersModel): Promise<layers.LayersModel> {
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
    return layers.loadLayersModel({ load: async () => artifacts });
  }

  it('frozen, thawed, trained, saved, loaded beside the original: equal to the last digit', async () => {
    const optimizer = make();
    const model = compiled(build(true), optimizer);
    await fit(model, 3);
    thaw(model);
    compiled(model, optimizer);
    await fit(model, 3);
    const loaded = await reloaded(model);
    expect(await fit(loaded, 5)).toEqual(await fit(model, 5));
    model.dispose();
    loaded.dispose();
  });

  it('saved while frozen, loaded, thawed: as the one that was never saved', async () => {
    const model = compiled(build(true), make());
    await fit(model, 3);
    const loaded = await reloaded(model);
    for (const one of [model, loaded]) {
      thaw(one);
      compiled(one, one.optimizer);
    }
    expect(await fit(loaded, 5)).toEqual(await fit(model, 5));
    model.dispose();
    loaded.dispose();
  });

  it('a state goes on in the same model built again, whose names are others', async () => {
    const [model, again] = [compiled(build(), make()), compiled(build(), make())];
    await fit(model, 3);
    await again.optimizer.setWeights(await model.optimizer.getWeights());
    again.setWeights(model.getWeights());
    expect(again.trainableWeights[0]?.name.replace(/\d+\//, '/')).toBe(model.trainableWeights[0]?.name.replace(/\d+\//, '/'));
    expect(await fit(again, 5)).toEqual(await fit(model, 5));
    model.dispose();
    again.dispose();
  });

  it('one optimizer for two models, the first of which is disposed of', async () => {
    const optimizer = make(soap({ learningRate: 0.01, preconditionFrequency: 2 }));
    const [first, second, alone] = [
      compiled(build(), optimizer),
      compiled(build(), optimizer),
      compiled(build(), make(soap({ learningRate: 0.01, preconditionFrequency: 2 }))),
    ];
    await fit(first, 2);
    const losses = await fit(second, 2);
    first.dispose();
    losses.push(...(await fit(second, 3)));
    const third = compiled(build(), optimizer);
    await fit(third, 2);
    losses.push(...(await fit(second, 2)));
    expect(losses).toEqual(await fit(alone, 7));
    for (const model of [second, third, alone]) model.dispose();
  });

  it('weights that were handed out can be given back after a save, and two saves may overlap', async () => {
    const model = compiled(build(), make());
    await fit(model, 3);
    const values = model.getWeights().map((weight) => tf.clone(weight));
    const weights = await model.optimizer.getWeights();
    const [one, other] = await Promise.all([reloaded(model), reloaded(model)]);
    const losses = await fit(model, 4);
    const third = await reloaded(model);
    await model.optimizer.setWeights(weights);
    model.setWeights(values);
    expect(await fit(model, 4)).toEqual(losses);
    expect(await fit(one, 4)).toEqual(losses);
    expect(await fit(other, 4)).toEqual(losses);
    for (const used of [model, one, other, third]) used.dispose();
    tf.dispose(values);
  });
});
