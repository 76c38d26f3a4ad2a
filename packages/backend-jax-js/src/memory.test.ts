import { describe, expect, it } from 'vitest';
import type { JaxNative, JaxVariable } from './index.ts';

/** Every memory WebAssembly has handed out since this file was loaded: the first is jax-js's. */
const memories: { readonly buffer: { readonly byteLength: number } }[] = [];
const Memory = WebAssembly.Memory;
WebAssembly.Memory = class extends Memory {
  constructor(descriptor: ConstructorParameters<typeof Memory>[0]) {
    super(descriptor);
    memories.push(this);
  }
};

const { numpy: np, tree } = await import('@jax-js/jax');
const { createOptimizer } = await import('@opt/core');
const { soap } = await import('@opt/soap');
const { jaxJs, toOptax, applyUpdates } = await import('./index.ts');

const bytes = (): number => memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
const values = (count: number, seed: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(seed + 1.7 * i));

describe('500 steps', () => {
  it('a leak would be seen', () => {
    expect(memories.length).toBeGreaterThan(0);
    const before = bytes();
    const kept = Array.from({ length: 500 }, (_, i) => np.array(values(200, i)));
    expect(bytes()).toBeGreaterThan(before);
    for (const array of kept) array.dispose();
  });

  it('take no more memory of jax-js: createOptimizer', () => {
    const optimizer = createOptimizer<'w' | 'b', JaxNative, JaxVariable>({
      transform: soap({ preconditionFrequency: 5 }),
      parameters: { w: { shape: [50, 40], data: values(2000, 0) }, b: { shape: [40], data: values(40, 1) } },
      backend: jaxJs(),
    });
    const run = (from: number, to: number): void => {
      for (let i = from; i < to; i++) optimizer.step({ w: values(2000, i), b: values(40, i) });
    };
    run(0, 30);
    const before = bytes();
    run(30, 530);
    expect(bytes()).toBe(before);
    optimizer.dispose();
  });

  it('take no more memory of jax-js: toOptax', () => {
    const { init, update } = toOptax(soap({ preconditionFrequency: 5 }));
    let params = { layers: [{ w: np.array(values(2000, 0), { shape: [50, 40] }), b: np.array(values(40, 1)) }] };
    let state = init(tree.ref(params));
    const run = (from: number, to: number): void => {
      for (let i = from; i < to; i++) {
        const grads = { layers: [{ w: np.array(values(2000, i), { shape: [50, 40] }), b: np.array(values(40, i)) }] };
        const [updates, next] = update(grads, state, tree.ref(params));
        params = applyUpdates(params, updates);
        state = next;
      }
    };
    run(0, 30);
    const before = bytes();
    run(30, 530);
    expect(bytes()).toBe(before);
    state.dispose();
    tree.dispose(params);
  });
});
