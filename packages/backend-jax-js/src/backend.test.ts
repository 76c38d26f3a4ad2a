import { numpy as np } from '@jax-js/jax';
import { reference } from '@opt/backend-reference';
import { cosine, createOptimizer, type Program, trace } from '@opt/core';
import { soap } from '@opt/soap';
import { adamw } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { type JaxNative, jaxJs } from './backend.ts';
import { steps } from './steps.ts';
import { type JaxVariable, variable } from './variable.ts';

const values = (count: number, seed: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(seed + 1.7 * i));
const array = (shape: readonly number[], seed: number) =>
  np.array(
    values(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
    { shape: [...shape] },
  );

describe('what is compiled', () => {
  it('is compiled once: neither steps nor schedules nor new hyperparameters make jax-js trace again', () => {
    const backend = jaxJs();
    const optimizer = createOptimizer<'w' | 'b', JaxNative, JaxVariable>({
      transform: soap({ learningRate: cosine({ from: 1e-2, steps: 200 }), preconditionFrequency: 3 }),
      parameters: { w: { shape: [5, 4], data: values(20, 0) }, b: { shape: [4], data: values(4, 1) } },
      backend,
    });
    const step = (i: number): void => optimizer.step({ w: values(20, i), b: values(4, i) });
    for (let i = 0; i < 8; i++) step(i);
    const before = backend.compilations;
    expect(before).toBeGreaterThan(0);
    for (let i = 8; i < 100; i++) {
      optimizer.set('weightDecay', 1e-3 * i);
      step(i);
    }
    expect(backend.compilations).toBe(before);
    optimizer.dispose();
    expect(backend.buffers).toBe(0);
  });

  const kinds = (program: Program): string[] =>
    steps(program).map((step) => (step.kind === 'host' ? (program.nodes[step.node]?.operation.op ?? '') : 'compiled'));

  it('one segment without host work, one more for every time the host comes first', () => {
    expect(kinds(trace({ x: [3, 3] }, ({ x }) => ({ y: x.mul(2).matmul(x).sum() })))).toEqual(['compiled']);
    const twice = trace({ x: [3, 3] }, ({ x }) => {
      const q = x.mul(2).orthonormalize('complete');
      return { y: q.add(1), z: x.mul(3), w: q.matmul(x).orthonormalize('complete') };
    });
    expect(kinds(twice)).toEqual(['compiled', 'orthonormalize', 'compiled', 'orthonormalize']);
  });

  it('factorisations one after the other need no segment in between', () => {
    const program = trace({ A: [3, 3], B: [3, 2] }, ({ A, B }) => ({ X: A.cholesky().solveTriangular(B) }));
    expect(kinds(program)).toEqual(['cholesky', 'solveTriangular']);
  });
});

describe('arrays of jax-js', () => {
  it("a variable is moved in place and stays the caller's; gradients are consumed", () => {
    const backend = jaxJs();
    const w = variable(array([2, 3], 0));
    const optimizer = createOptimizer<'w', JaxNative, JaxVariable>({ transform: adamw(), parameters: { w }, backend });
    const twin = createOptimizer({ transform: adamw(), parameters: { w: { shape: [2, 3], data: values(6, 0) } }, backend: reference() });
    for (let i = 1; i < 20; i++) {
      const gradient = array([2, 3], i);
      const kept = gradient.ref;
      optimizer.step({ w: gradient });
      // One reference is the optimizer's, the other ours.
      expect(kept.refCount).toBe(2);
      kept.dispose();
      twin.step({ w: values(6, i) });
    }
    const data = w.value.ref.dataSync();
    twin.parameters.w.forEach((x, i) => {
      expect(data[i]).toBeCloseTo(x, 5);
    });
    expect(w.value.refCount).toBe(1);
    optimizer.dispose();
    expect(w.value.refCount).toBe(1);
    w.dispose();
    expect(() => w.value).toThrow('a variable of jax-js');
  });

  it('an array of another shape, type or device', () => {
    const w = variable(np.array([1, 2, 3], { dtype: np.int32 }));
    expect(w.value.dtype).toBe(np.float32);
    expect(() => w.set(array([2], 0))).toThrow('an array of shape [3] is needed, received shape [2]');
    const elsewhere = np.array(values(3, 0), { device: 'cpu' });
    expect(() => w.set(elsewhere)).toThrow("an array on device 'wasm' is needed, received one on 'cpu'");
    expect(() => jaxJs({ device: 'cpu' }).adopt(w)).toThrow("a parameter on device 'cpu' is needed");
  });

  it('every array is as it was after a step that failed', () => {
    const w = variable(array([4], 0));
    const optimizer = createOptimizer<'w', JaxNative, JaxVariable>({
      transform: adamw({ nonFinite: 'throw' }),
      parameters: { w },
      backend: jaxJs(),
    });
    const before = w.value;
    expect(() => optimizer.step({ w: np.array(Float32Array.of(1, Number.NaN, 2, 3)) })).toThrow("'w'");
    expect(w.value).toBe(before);
    expect(before.refCount).toBe(1);
  });
});

describe('devices', () => {
  it("runs on jax-js's interpreter too", () => {
    const run = (backend: ReturnType<typeof jaxJs>) => {
      const optimizer = createOptimizer<'w', JaxNative, JaxVariable>({
        transform: adamw(),
        parameters: { w: { shape: [3, 2], data: values(6, 0) } },
        backend,
      });
      for (let i = 0; i < 12; i++) optimizer.step({ w: values(6, i) });
      return Array.from(optimizer.parameters.w);
    };
    const [wasm, cpu] = [run(jaxJs()), run(jaxJs({ device: 'cpu' }))];
    wasm.forEach((x, i) => {
      expect(cpu[i]).toBeCloseTo(x, 5);
    });
  });

  it('refuses others', () => {
    // @ts-expect-error: not a device that runs synchronously
    expect(() => jaxJs({ device: 'webgpu' })).toThrow("device must be 'wasm' or 'cpu', received 'webgpu'");
  });
});

describe('what cannot be right is refused', () => {
  it('options there are not', () => {
    // @ts-expect-error: no such option
    expect(() => jaxJs({ devise: 'cpu' })).toThrow("jaxJs: unknown option 'devise', known are device; did you mean 'device'?");
  });

  it('a variable under two names, which stays the caller’s; two optimizers may take turns', () => {
    const w = variable(array([2], 0));
    const backend = jaxJs();
    const make = (parameters: Record<string, JaxVariable>) =>
      createOptimizer<string, JaxNative, JaxVariable>({ transform: adamw(), parameters, backend });
    expect(() => make({ a: w, b: w })).toThrow("parameters 'a' and 'b' must be apart, received the same memory for both");
    expect(backend.buffers).toBe(0);
    const [first, second] = [make({ w }), make({ w })];
    first.dispose();
    second.step({ w: [1, 1] });
    second.dispose();
    expect(w.value.refCount).toBe(1);
    w.dispose();
  });

  it('an array of another shape, or one that is used up, before anything is written', () => {
    const optimizer = createOptimizer<string, JaxNative, JaxVariable>({
      transform: adamw(),
      parameters: { a: { shape: [2], data: [0, 0] }, b: { shape: [2], data: [0, 0] } },
      backend: jaxJs(),
    });
    optimizer.step({ a: [1, 2], b: [3, 4] });
    expect(() => optimizer.step({ a: [5, 6], b: array([3], 0) })).toThrow("step: gradient of 'b' must have shape [2], received [3]");
    const used = array([2], 0);
    used.dispose();
    expect(() => optimizer.step({ a: [5, 6], b: used })).toThrow("step: gradient of 'b' must be an array of 2 elements");
    expect([Array.from(optimizer.gradients['a'] ?? []), Array.from(optimizer.gradients['b'] ?? [])]).toEqual([
      [1, 2],
      [3, 4],
    ]);
    optimizer.dispose();
  });
});
