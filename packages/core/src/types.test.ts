import { describe, expect, it } from 'vitest';
import type { Backend } from './backend.ts';
import { createOptimizer } from './optimizer/create-optimizer.ts';
import type { Optimizer } from './optimizer/optimizer.ts';
import { partition } from './transform/partition.ts';
import { perTensor } from './transform/per-tensor.ts';
import { weightEma } from './transform/weight-ema.ts';

/** What must not compile. The functions are never called: the compiler is the test, and an expectation that is not met is an error. */
const nothing = perTensor({ name: 'nothing', apply: () => ({}) });

const mistakes = {
  'a state slot that was not declared': () =>
    perTensor({
      name: 'slots',
      state: ({ shape }) => ({ m: { shape, kind: 'vector' } }),
      // @ts-expect-error there is no slot n
      apply: ({ update, state }) => ({ update, state: { m: state.m, n: state.m } }),
    }),
  'reading one': () =>
    perTensor({
      name: 'slots',
      state: ({ shape }) => ({ m: { shape, kind: 'vector' } }),
      // @ts-expect-error there is no slot n
      apply: ({ state }) => ({ update: state.n }),
    }),
  'state where none was declared': () =>
    perTensor({
      name: 'slots',
      // @ts-expect-error there is no slot at all
      apply: ({ update }) => ({ state: { m: update } }),
    }),
  'a hyperparameter that was not declared': () =>
    perTensor({
      name: 'hypers',
      hyper: { rate: 0.1 },
      // @ts-expect-error there is no hyperparameter beta
      apply: ({ update, hyper }) => ({ update: update.mul(hyper.beta) }),
    }),
  'a kind of state that does not exist': () =>
    perTensor({
      name: 'kinds',
      // @ts-expect-error there is no such kind
      state: ({ shape }) => ({ m: { shape, kind: 'tensor' } }),
      apply: () => ({}),
    }),
  'a result that does not exist': () =>
    // @ts-expect-error a rule does not return 'updates'
    perTensor({ name: 'result', apply: ({ update }) => ({ updates: update }) }),
  'a label without a rule': () =>
    // @ts-expect-error there is no rule 'other'
    partition({ one: nothing, two: nothing }, (name) => (name === 'a' ? 'one' : 'other')),
  'an option that does not exist': () =>
    // @ts-expect-error the option is called emaMomentum
    weightEma({ momentum: 0.5 }, nothing),
  'an option of another type': () =>
    // @ts-expect-error a number or null
    weightEma({ emaOverwriteFrequency: '3' }, nothing),
  'a gradient of no parameter': (backend: Backend<'sync', 'sync'>) => {
    const optimizer = createOptimizer({ transform: nothing, parameters: { w: { shape: [2], data: [1, 2] } }, backend });
    // @ts-expect-error there is no parameter v
    optimizer.step({ v: [1, 2] });
  },
  'reading no parameter': (backend: Backend<'sync', 'sync'>) => {
    const optimizer = createOptimizer({ transform: nothing, parameters: { w: { shape: [2], data: [1, 2] } }, backend });
    // @ts-expect-error there is no parameter v
    return optimizer.parameters.v;
  },
  'not awaiting an optimizer that is made elsewhere': (backend: Backend<'async', 'async'>) => {
    const optimizer = createOptimizer({ transform: nothing, parameters: { w: { shape: [2], data: [1, 2] } }, backend });
    // @ts-expect-error it is a promise
    return optimizer.step({ w: [1, 2] });
  },
  'using a value that has still to be read': (backend: Backend<'sync', 'async'>) => {
    const optimizer = createOptimizer({ transform: nothing, parameters: { w: { shape: [2], data: [1, 2] } }, backend });
    // @ts-expect-error it is a promise
    return optimizer.parameters.w[0];
  },
  'metrics of no parameter': (optimizer: Optimizer<'w', 'sync', 'sync'>) =>
    // @ts-expect-error there is no parameter v
    optimizer.metrics().parameters.v,
  'a norm that nobody measures': (backend: Backend<'sync', 'sync'>) =>
    createOptimizer({
      transform: nothing,
      parameters: { w: { shape: [2], data: [1, 2] } },
      backend,
      // @ts-expect-error it is called 'gradient'
      metrics: { norms: ['gradients'] },
    }),
  'taking numbers of one precision for those of another': (backend: Backend<'sync', 'sync', never, unknown, 'f32'>) => {
    const optimizer = createOptimizer({ transform: nothing, parameters: { w: { shape: [2], data: [1, 2] } }, backend });
    // @ts-expect-error it is a Float32Array
    const wrong: Float64Array = optimizer.parameters.w;
    return wrong;
  },
};

/** What must: synchronous where the backend is. */
const fine = (
  sync: Optimizer<'w', 'sync', 'sync'>,
  submitting: Optimizer<'w', 'sync', 'async'>,
  remote: Optimizer<'w', 'async', 'async'>,
  shared: Backend<'async', 'sync'>,
  single: Backend<'sync', 'sync', never, unknown, 'f32'>,
  double: Backend<'sync', 'async', never, unknown, 'f64'>,
) => {
  const first: number | undefined = sync.parameters.w[0];
  const nothingToAwait: undefined = void submitting.step({ w: [1, 2] });
  const later: Promise<void> = remote.step({ w: [1, 2] });
  const skipped: number = sync.skippedSteps;
  const norm: number | undefined = sync.metrics().parameters.w.gradient;
  const laterNorm: Promise<number | undefined> = submitting.metrics().then(({ parameters: { w } }) => w.update);
  const file: Promise<Uint8Array> = submitting.save();
  const made = createOptimizer({ transform: nothing, parameters: { w: { shape: [2], data: [1, 2] } }, backend: shared });
  const view: Promise<number | undefined> = made.then(({ parameters }) => parameters.w[0]);
  const parameters = { w: { shape: [2], data: [1, 2] } };
  const f32: Float32Array = createOptimizer({ transform: nothing, parameters, backend: single }).parameters.w;
  const f64: Promise<Float64Array> = createOptimizer({ transform: nothing, parameters, backend: double }).gradients.w;
  return [first, nothingToAwait, later, skipped, norm, laterNorm, file, view, f32, f64];
};

describe('types', () => {
  it.each(Object.entries(mistakes))('%s does not compile', (_, mistake) => {
    expect(mistake).toBeTypeOf('function');
  });

  it('what is synchronous on a backend is synchronous in the types', () => {
    expect(fine).toBeTypeOf('function');
  });
});
