import { softwareAdapter } from '@opt/backend-contract/software-adapter';
import { BackendError, createOptimizer, perTensor, rule, type Tensor } from '@opt/core';
import { linalg } from '@opt/linalg';
import { soap } from '@opt/soap';
import { descend } from '@opt/transforms';
import { expect, expectTypeOf, it } from 'vitest';
import { DeviceLostError, webgpu } from './index.ts';

softwareAdapter();

/** One above what the device decomposes, and a short axis, which it does at once. */
const [n, k] = [513, 4];
const gradientAt = (t: number, length = n * k): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(t * 12.9898 + i * (i + 3) * 4.1414));
const parameters = { w: { shape: [n, k], data: new Float32Array(n * k) } };
const identityOf = (d: number): Float32Array => Float32Array.from({ length: d * d }, (_, i) => Number(i % (d + 1) === 0));
const identity = identityOf(n);
const options = { weightDecay: 0, preconditionFrequency: 1000 };

/** The largest |QᵀBQ − D|, of entries off the diagonal, and of those on it with D given. */
function offDiagonal(Q: ArrayLike<number>, B: (v: Float64Array) => Float64Array, columns: number): number {
  const column = (j: number): Float64Array => Float64Array.from({ length: n }, (_, i) => Q[i * n + j] ?? 0);
  let largest = 0;
  for (let j = 0; j < columns; j++) {
    const Bq = B(column(j));
    for (let i = 0; i < n; i += 7)
      if (i !== j) largest = Math.max(largest, Math.abs(column(i).reduce((sum, x, a) => sum + x * (Bq[a] ?? 0), 0)));
  }
  return largest;
}

it('steps return at once and go on with the old basis; the one after it is done uses the new one', { timeout: 600_000 }, async () => {
  const backend = await webgpu({ staleBasis: 'async' });
  // The short axes are longer together: else they would do for the basis of the long one.
  const [shape, m] = [[n, k, 9, 15], 540];
  const large = { w: { shape, data: new Float32Array(n * m) } };
  const optimizer = createOptimizer({ transform: soap(options), parameters: large, backend });
  expectTypeOf<typeof backend.run>().toEqualTypeOf<'sync'>();
  const first = gradientAt(1, n * m);
  for (let t = 1; t <= 2; t++) expect(optimizer.step({ w: gradientAt(t, n * m) })).toBeUndefined();
  // Nothing could arrive: this thread never paused. The short axes were decomposed at once.
  expect(await optimizer.state['soap.Q0:w']).toEqual(identity);
  expect(await optimizer.state['soap.Q1:w']).not.toEqual(identityOf(k));
  await optimizer.settled();
  expect(await optimizer.state['soap.Q0:w']).toEqual(identity);
  optimizer.step({ w: gradientAt(3, n * m) });
  const Q = (await optimizer.state['soap.Q0:w']) ?? identity;
  expect(offDiagonal(Q, (v) => v, n)).toBeLessThan(1e-5);
  // A of the first call is 0.05·GGᵀ: what is decomposed is what was there when it was asked for.
  const covariance = (v: Float64Array): Float64Array => {
    const Gv = Array.from({ length: m }, (_, j) => v.reduce((sum, x, i) => sum + x * (first[i * m + j] ?? 0), 0));
    return v.map((_, i) => Gv.reduce((sum, x, j) => sum + 0.05 * x * (first[i * m + j] ?? 0), 0));
  };
  expect(offDiagonal(Q, covariance, 4)).toBeLessThan(1e-3);
  expect((await optimizer.parameters.w).every(Number.isFinite)).toBe(true);
  optimizer.dispose();
  backend.dispose();
});

/** Gradient descent in the eigenbasis of the average GGᵀ, decomposed every few steps: w ← w − η·Q(Qᵀg / √max(λ, 1)). */
const whitening = perTensor({
  name: 'whitening',
  state: () => ({
    A: { shape: [n, n], kind: 'invariant', symmetric: true },
    Q: { shape: [n, n], kind: 'invariant', init: 'identity' },
    L: { shape: [n], kind: 'invariant', init: 1 },
  }),
  apply({ update: g, state, owner, site }) {
    const A = state.A.add(g.matmul(g, { transposeB: true }));
    const due = site.phase(owner, (count) => (count % 4 === 1 ? 'decompose' : 'go on')) === 'decompose';
    const found = site.later(
      'Q',
      owner,
      due,
      () => ({ A }),
      (given) => ({ ...given.A.eigh() }),
    );
    const [Q, L] = [found?.['vectors'] ?? state.Q, found?.['values']?.max(1) ?? state.L];
    return { update: Q.matmul(Q.matmul(g, { transposeA: true }).div(L.sqrt().reshape([n, 1]))), state: { A, Q, L } };
  },
});

const descent = rule(whitening, descend({ learningRate: 1 }));

it('asks again and again while training goes on, and a quadratic is solved in the bases it is given', { timeout: 240_000 }, async () => {
  const backend = await webgpu({ staleBasis: 'async' });
  const data = Float32Array.from({ length: n * k }, (_, i) => Math.cos(i));
  const curvature = (i: number): number => (1 + (i % 50)) / 50;
  const optimizer = createOptimizer({ transform: descent, parameters: { w: { shape: [n, k], data } }, backend });
  const loss = (x: Float32Array): number => x.reduce((sum, xi, i) => sum + (curvature(i) * xi * xi) / 2, 0);
  const bases = new Set<number>();
  let w = data;
  for (let steps = 0; steps < 10 || (bases.size < 3 && steps < 1000); steps++) {
    optimizer.step({ w: w.map((x, i) => curvature(i) * x) });
    w = Float32Array.from(await optimizer.parameters.w);
    bases.add((await optimizer.state['whitening.L:w'])?.at(-1) ?? 0);
  }
  // What it began with, and two that came one after the other.
  expect(bases.size).toBeGreaterThanOrEqual(3);
  expect(loss(w)).toBeLessThan(0.1 * loss(data));
  optimizer.dispose();
  backend.dispose();
});

it('reads back one matrix for each decomposition and nothing else, and makes nothing after the first round', async () => {
  const backend = await webgpu({ staleBasis: 'async' });
  const optimizer = createOptimizer({ transform: descent, parameters, backend });
  const counted: unknown[] = [];
  for (let round = 0; round < 3; round++) {
    const before = backend.counters.readBacks;
    // The first call asks, and the second is given the result.
    optimizer.step({ w: gradientAt(4 * round) });
    await optimizer.settled();
    const asked = backend.counters.readBacks;
    for (let t = 1; t < 4; t++) optimizer.step({ w: gradientAt(4 * round + t) });
    const { readBacks, pipelines, buffers } = backend.counters;
    counted.push({ asked: asked - before, ordinary: readBacks - asked, pipelines, buffers, programs: optimizer.programs });
  }
  expect(counted[2]).toEqual(counted[1]);
  expect(counted[2]).toMatchObject({ asked: 1, ordinary: 0 });
  optimizer.dispose();
  backend.dispose();
});

it('orthonormalises beside the steps, and hands indices on', async () => {
  const columns = 2049;
  const data = Float32Array.from({ length: 4 * columns }, (_, i) => Math.sin(i * i * 0.37 + i));
  const stage = perTensor({
    name: 'columns',
    state: ({ shape }) => ({ Q: { shape, kind: 'invariant' }, order: { shape: [columns], kind: 'invariant' } }),
    apply({ update, state, owner, site }) {
      const due = site.phase(owner, (count) => (count === 1 ? 'first' : 'later')) === 'first';
      const inputs = (): Record<'matrix' | 'order', Tensor> => ({ matrix: update, order: update.row(0).argsort() });
      const found = site.later('Q', owner, due, inputs, ({ matrix, order }) => ({ Q: matrix.orthonormalize('zero'), order }));
      return { parameter: update, state: { Q: found?.['Q'] ?? state.Q, order: found?.['order']?.working() ?? state.order } };
    },
  });
  const backend = await webgpu({ staleBasis: 'async' });
  const optimizer = createOptimizer({ transform: stage, parameters: { w: { shape: [4, columns], data } }, backend });
  optimizer.step({ w: data });
  await optimizer.settled();
  optimizer.step({ w: data });
  expect(await optimizer.state['columns.Q:w']).toEqual(linalg().orthonormalize(data, 4, columns).q);
  const order = Array.from({ length: columns }, (_, i) => i).sort((a, b) => (data[a] ?? 0) - (data[b] ?? 0));
  expect(await optimizer.state['columns.order:w']).toEqual(Float32Array.from(order));
  optimizer.dispose();
  backend.dispose();
});

it('what is under way when the optimizer is disposed of ends quietly, and then gives its memory back', async () => {
  const backend = await webgpu({ staleBasis: 'async' });
  const complaints: string[] = [];
  backend.device.addEventListener('uncapturederror', ({ error }) => complaints.push(error.message));
  const optimizer = createOptimizer({ transform: descent, parameters, backend });
  optimizer.step({ w: gradientAt(1) });
  optimizer.step({ w: gradientAt(2) });
  optimizer.dispose();
  const { tensors } = backend;
  expect(tensors).toBeGreaterThan(0);
  for (let i = 0; i < 600 && backend.tensors > 0; i++) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(backend.tensors).toBe(0);
  await backend.device.queue.onSubmittedWorkDone();
  expect(complaints).toEqual([]);
  backend.dispose();
});

it('a device that is lost meanwhile is told by the next step', async () => {
  const backend = await webgpu({ staleBasis: 'async' });
  const optimizer = createOptimizer({ transform: descent, parameters, backend });
  optimizer.step({ w: gradientAt(1) });
  backend.device.destroy();
  await optimizer.settled();
  const step = (): void => optimizer.step({ w: gradientAt(2) });
  expect(step).toThrow(expect.objectContaining({ code: 'backend', cause: expect.any(DeviceLostError) }));
  expect(step).toThrow(expect.objectContaining({ code: 'backend', reason: 'destroyed' }));
  optimizer.dispose();
  backend.dispose();
});

it('staleBasis is one of two words', async () => {
  const owner = await webgpu();
  const { device } = owner;
  // @ts-expect-error What the types refuse is also refused where there are none.
  expect(() => webgpu({ device, staleBasis: 'later' })).toThrow(/staleBasis must be 'wait' or 'async', received 'later'/);
  expect(webgpu({ device, staleBasis: 'async' }).run).toBe('sync');
  owner.dispose();
});

it('a stage that cannot do without refuses, and says what to do', async () => {
  const backend = await webgpu({ staleBasis: 'async' });
  const eigenvectors = perTensor({ name: 'eigenvectors', apply: ({ update }) => ({ parameter: update.eigh().vectors }) });
  const optimizer = createOptimizer({ transform: eigenvectors, parameters: { w: { shape: [n, n], data: identity } }, backend });
  const step = (): void => optimizer.step({ w: identity });
  expect(step).toThrow(BackendError);
  expect(step).toThrow("webgpu({ staleBasis: 'wait' })");
  optimizer.dispose();
  backend.dispose();
});
