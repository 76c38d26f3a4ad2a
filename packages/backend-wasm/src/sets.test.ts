import { createOptimizer, linear, partition, type Transform } from '@opt/core';
import { soap } from '@opt/soap';
import { adamw, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { wasm } from './index.ts';

const names = Array.from({ length: 16 }, (_, i) => `p${i}`);
const gradient = (seed: number): number[] => Array.from({ length: 4 }, (_, i) => Math.sin(seed * 7.1 + i));

/** A random half of the names, never the same run of halves. */
function halves(seed: number): () => string[] {
  let x = seed;
  return () =>
    names.filter(() => {
      x = (x * 1103515245 + 12345) % 2147483648;
      return x < 1073741824;
    });
}

/** A backend that counts what it compiles. */
function counting() {
  const backend = wasm();
  const count = { compilations: 0 };
  const compile = backend.compile.bind(backend);
  Object.assign(backend, {
    compile: (...given: Parameters<typeof compile>) => {
      count.compilations++;
      return compile(...given);
    },
  });
  return { backend, count };
}

const start = (n: readonly string[] = names) => Object.fromEntries(n.map((name) => [name, { shape: [4], data: [1, -1, 2, 0] }]));

/** Rules with windows of their own. */
const parts = (): Transform =>
  partition(
    {
      low: adamw({ learningRate: 0.1, gradientAccumulationSteps: 2, globalClipnorm: 1 }),
      high: sgd({ learningRate: linear({ from: 0.1, to: 0, steps: 300 }), momentum: 0.9, gradientAccumulationSteps: 3 }),
    },
    (name) => (name < 'p4' ? 'low' : 'high'),
  );

describe('changing sets of missing gradients', () => {
  it.each<[string, () => Transform]>([
    ['adamw', () => adamw({ learningRate: 0.1 })],
    ['amsgrad, averaged', () => adamw({ learningRate: 0.1, amsgradBeta: 1, useEma: true, emaOverwriteFrequency: 3 })],
    ['soap', () => soap({ learningRate: 0.1, precondition1d: true, preconditionFrequency: 3 })],
    ['momentum', () => sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true })],
  ])('compile nothing after a warm-up, and each parameter is as if it were alone: %s', (_, make) => {
    const { backend, count } = counting();
    const optimizer = createOptimizer({ transform: make(), parameters: start(), backend });
    const next = halves(1);
    const given = new Map<string, number[][]>();
    const step = (call: number): void => {
      const gradients = Object.fromEntries(next().map((name, i) => [name, gradient(call * 31 + i)]));
      for (const [name, g] of Object.entries(gradients)) given.set(name, [...(given.get(name) ?? []), g]);
      optimizer.step(gradients);
    };
    for (let call = 0; call < 40; call++) step(call);
    const warm = count.compilations;
    for (let call = 40; call < 400; call++) step(call);
    expect(count.compilations).toBe(warm);
    for (const name of names.slice(0, 4)) {
      const alone = createOptimizer({ transform: make(), parameters: start([name]), backend: wasm() });
      for (const g of given.get(name) ?? []) alone.step({ [name]: g });
      expect([...(optimizer.parameters[name] ?? [])]).toEqual([...(alone.parameters[name] ?? [])]);
    }
  });

  it.each<[string, () => Transform]>([
    ['clipped together', () => adamw({ learningRate: 0.1, globalClipnorm: 1.5 })],
    ['clipped together, averaged, scaled', () => adamw({ learningRate: 0.1, globalClipnorm: 1.5, lossScaleFactor: 2, useEma: true })],
    ['soap, clipped together', () => soap({ learningRate: 0.1, globalClipnorm: 2, precondition1d: true, preconditionFrequency: 3 })],
    ['accumulated', () => adamw({ learningRate: 0.1, gradientAccumulationSteps: 3 })],
    [
      'soap, accumulated, clipped together',
      () => soap({ learningRate: 0.1, gradientAccumulationSteps: 2, globalClipnorm: 1, precondition1d: true }),
    ],
    ['accumulated by parts', parts],
  ])('compile nothing after a warm-up where stages see all of them, and nothing is another digit: %s', (_, make) => {
    const { backend, count } = counting();
    const optimizer = createOptimizer({ transform: make(), parameters: start(names.slice(0, 8)), backend });
    // The same in programs for all parameters at once, one for each set.
    const whole = createOptimizer({ transform: { ...make(), separable: false }, parameters: start(names.slice(0, 8)), backend: wasm() });
    const few = names.slice(0, 8);
    const next = halves(7);
    const step = (call: number): void => {
      // Now and then all of them come, or one, poisoned.
      const present = call % 11 === 0 ? few : next().filter((name) => few.includes(name));
      const gradients = Object.fromEntries(
        present.map((name, i) => [name, gradient(call * 31 + i).map((x) => (call % 17 === 5 && i === 2 ? Number.NaN : x))]),
      );
      optimizer.step(gradients);
      if (call < 24) whole.step(gradients);
    };
    for (let call = 0; call < 24; call++) step(call);
    expect(optimizer.skippedSteps).toBe(whole.skippedSteps);
    for (const name of few) expect([...(optimizer.parameters[name] ?? [])]).toEqual([...(whole.parameters[name] ?? [])]);
    for (const [key, value] of Object.entries(whole.state)) expect([key, ...(optimizer.state[key] ?? [])]).toEqual([key, ...value]);
    for (let call = 24; call < 200; call++) step(call);
    const warm = count.compilations;
    for (let call = 200; call < 400; call++) step(call);
    expect(count.compilations).toBe(warm);
  });

  it('one poisoned gradient among them drops the call', () => {
    const optimizer = createOptimizer({ transform: adamw({ learningRate: 0.1 }), parameters: start(), backend: wasm() });
    optimizer.step({ p0: gradient(1), p3: gradient(2) });
    const before = optimizer.save();
    optimizer.step({ p0: gradient(3), p5: [1, Number.NaN, 0, 0] });
    expect(optimizer.skippedSteps).toBe(1);
    const other = createOptimizer({ transform: adamw({ learningRate: 0.1 }), parameters: start(), backend: wasm() });
    other.load(before);
    // What the poisoned call left in the buffer of a gradient is nobody's business.
    for (const one of [optimizer, other]) one.step({ p0: gradient(4), p1: gradient(5) });
    for (const name of names) expect([...(optimizer.parameters[name] ?? [])]).toEqual([...(other.parameters[name] ?? [])]);
    expect(optimizer.skippedSteps).toBe(1);
  });
});
