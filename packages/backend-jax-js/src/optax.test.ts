import { numpy as np, tree } from '@jax-js/jax';
import { createOptimizer } from '@opt/core';
import { soap } from '@opt/soap';
import { adamw } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { type JaxNative, jaxJs } from './backend.ts';
import { applyUpdates, toOptax } from './optax.ts';
import { namedLeaves } from './tree.ts';
import type { JaxVariable } from './variable.ts';

const values = (count: number, seed: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(seed + 1.7 * i));
const model = (seed: number) => ({
  layers: [
    { weight: np.array(values(12, seed), { shape: [4, 3] }), bias: np.array(values(3, seed + 1)) },
    { weight: np.array(values(6, seed + 2), { shape: [3, 2] }), bias: np.array(values(2, seed + 3)) },
  ],
  scale: np.array(values(1, seed + 4), { shape: [] }),
});
const names = ['layers/0/weight', 'layers/0/bias', 'layers/1/weight', 'layers/1/bias', 'scale'];
const read = (arrays: ReturnType<typeof model>): number[][] => [...namedLeaves(arrays).values()].map((leaf) => [...leaf.ref.dataSync()]);

describe('toOptax', () => {
  it('moves a tree of arrays as createOptimizer moves parameters of the same names', () => {
    const { init, update } = toOptax(soap({ preconditionFrequency: 2 }));
    let params = model(0);
    const start = Object.fromEntries([...namedLeaves(params)].map(([name, a]) => [name, { shape: a.shape, data: [...a.ref.dataSync()] }]));
    const twin = createOptimizer<string, JaxNative, JaxVariable>({
      transform: soap({ preconditionFrequency: 2 }),
      parameters: start,
      backend: jaxJs(),
    });
    let state = init(tree.ref(params));
    for (let step = 1; step < 15; step++) {
      const grads = model(10 * step);
      twin.step(Object.fromEntries([...namedLeaves(grads)].map(([name, a]) => [name, [...a.ref.dataSync()]])));
      const [updates, next] = update(grads, state, tree.ref(params));
      params = applyUpdates(params, updates);
      state = next;
    }
    read(params).forEach((leaf, k) => {
      leaf.forEach((x, i) => {
        expect(x).toBeCloseTo(twin.parameters[names[k] ?? '']?.[i] ?? Number.NaN, 5);
      });
    });
    state.dispose();
    for (const leaf of namedLeaves(params).values()) expect(leaf.refCount).toBe(1);
  });

  it('names arrays by their path, in the order of tree.flatten', () => {
    const params = model(0);
    expect([...namedLeaves(params).keys()]).toEqual(names);
    // Compared one by one: an array of jax-js is iterable, which would consume it.
    const flat = tree.leaves<np.Array>(params);
    expect([...namedLeaves(params).values()].every((leaf, i) => leaf === flat[i])).toBe(true);
    expect([...namedLeaves(np.array([1, 2])).keys()]).toEqual(['value']);
    expect(() => namedLeaves({ 'a/b': np.array([1]), a: { b: np.array([1]) } })).toThrow("two arrays of the tree are called 'a/b'");
  });

  it('judges with an average, changes nothing, and measures', () => {
    const rule = () => adamw({ learningRate: 0.1, useEma: true, emaMomentum: 0.5 });
    const run = (look: boolean) => {
      const { init, update, evaluation } = toOptax(rule(), { metrics: { every: 1 } });
      let params = model(0);
      let state = init(tree.ref(params));
      const averages = read(params);
      for (let step = 1; step < 5; step++) {
        const [updates, next] = update(model(10 * step), state, tree.ref(params));
        [params, state] = [applyUpdates(params, updates), next];
        read(params).forEach((leaf, k) => {
          averages[k] = leaf.map((p, i) => (step === 1 ? p : 0.5 * (averages[k]?.[i] ?? 0) + 0.5 * p));
        });
        if (!look) continue;
        const judged = evaluation(state, tree.ref(params));
        read(judged).forEach((leaf, k) => {
          leaf.forEach((x, i) => void expect(x).toBeCloseTo(averages[k]?.[i] ?? Number.NaN, 5));
        });
        tree.dispose(judged);
      }
      const { step, parameters } = state.metrics();
      expect(step).toBe(4);
      expect(parameters['layers/0/weight']?.gradient).toBeCloseTo(Math.hypot(...values(12, 40)), 4);
      state.dispose();
      const result = read(params);
      for (const leaf of namedLeaves(params).values()) expect(leaf.refCount).toBe(1);
      return result;
    };
    expect(run(true)).toEqual(run(false));
    const { init, evaluation } = toOptax(rule());
    expect(() => evaluation(init(model(0)), { scale: np.array([1]) })).toThrow("toOptax: params 'scale' must have shape []");
    expect(() => init(model(0)).metrics()).toThrow('metrics: this optimizer measures nothing');
  });

  it('saves, loads and goes on as if nothing had been', () => {
    const { init, update, load } = toOptax(soap({ preconditionFrequency: 3 }));
    let params = model(0);
    let state = init(tree.ref(params));
    const train = (from: number, to: number): void => {
      for (let step = from; step < to; step++) {
        const [updates, next] = update(model(10 * step), state, tree.ref(params));
        params = applyUpdates(params, updates);
        state = next;
      }
    };
    train(1, 8);
    const file = state.save();
    const there = tree.ref(params);
    train(8, 14);
    const through = read(params);
    state.dispose();
    params = there;
    const loaded = load(file, tree.ref(params));
    expect(loaded.report).toEqual({ missing: [], surplus: [], fresh: [], converted: [], hyperparameters: [] });
    state = loaded.state;
    train(8, 14);
    expect(read(params)).toEqual(through);
    expect(() => load(file, { other: np.array([1, 2]) })).toThrow("the file must hold 'parameter:other'");
  });

  it('a parameter without a gradient is left alone', () => {
    const { init, update } = toOptax(adamw());
    const params = { a: np.array([1, 2]), b: np.array([3, 4]) };
    const [updates] = update({ b: np.array([1, 1]) }, init(tree.ref(params)), params);
    expect([...updates.a.dataSync()]).toEqual([0, 0]);
    expect(updates.b.dataSync()[0]).toBeLessThan(0);
  });

  it('a state is used once; one that was refused stays good', () => {
    const { init, update } = toOptax(adamw());
    const params = { w: np.array([1, 2, 3]) };
    const state = init(tree.ref(params));
    expect(() => update({ v: np.array([1, 2, 3]) }, state, params)).toThrow(
      "grads has an array 'v' that the state does not know, known are w",
    );
    expect(() => update({ w: np.array([1, 2]) }, state, params)).toThrow("grads 'w' must have shape [3], received [2]");
    expect(() => update({ w: np.array([1, 2, 3]) }, state, {})).toThrow("params must have an array 'w'");
    const [, next] = update({ w: np.array([1, 2, 3]) }, state, tree.ref(params));
    expect(() => update({ w: np.array([1, 2, 3]) }, state, params)).toThrow('every state is used once');
    expect(() => state.save()).toThrow('every state is used once');
    next.set('learningRate', 0);
    const [updates, last] = update({ w: np.array([1, 2, 3]) }, next, tree.ref(params));
    expect([...updates.w.dataSync()]).toEqual([0, 0, 0]);
    last.dispose();
  });

  it.each<[string, unknown[], string]>([
    ['nothing', [], 'toOptax: transform must be a transform such as adam(), received undefined'],
    ['a function', [adamw], 'received a function; call it: adamw()'],
    ['an option there is not', [adamw(), { learningRate: 1 }], "toOptax: unknown option 'learningRate', known are seed, device"],
    ['a seed in text', [adamw(), { seed: '1' }], "toOptax: seed must be an integer in [0, 2^32), received '1'"],
  ])('toOptax refuses %s', (_, given, message) => {
    expect(() => Reflect.apply(toOptax, undefined, given)).toThrow(message);
  });

  it('parameters that are no arrays of jax-js', () => {
    const init = (params: unknown): unknown => Reflect.apply(toOptax(adamw()).init, undefined, [params]);
    expect(() => init({ w: Float32Array.of(1) })).toThrow("toOptax: 'w' must be an array of jax-js, received a Float32Array");
    expect(() => init(Promise.resolve({}))).toThrow('received a Promise (is an await missing?)');
    expect(() => init(undefined)).toThrow('received undefined');
  });

  it('a gradient that is not finite moves nothing', () => {
    const { init, update } = toOptax(adamw());
    const params = { w: np.array([1, 2]) };
    const [updates, state] = update({ w: np.array([Number.NaN, 1]) }, init(tree.ref(params)), params);
    expect([...updates.w.dataSync()]).toEqual([0, 0]);
    expect(state.skippedSteps).toBe(1);
  });
});
