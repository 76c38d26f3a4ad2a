import { reference } from '@opt/backend-reference';
import { type About, createOptimizer, type Transform } from '@opt/core';
import { adamw } from '@opt/transforms';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  blockStiefel,
  defaultRole,
  doublyStochastic,
  grassmannian,
  hypersphere,
  l1Stiefel,
  muon,
  oblique,
  routeMatrices,
  slMuon,
  spectralBall,
  spectralSphere,
  stiefel,
  symplectic,
} from './index.ts';
import { random } from './testing/kit.ts';

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** AdamW with the defaults of `aux`. */
const aux = adamw({ learningRate: 3e-4, beta1: 0.9, beta2: 0.95, epsilon: 1e-10, weightDecay: 0 });

/** Options as someone without types might write them. */
const misspelt: object = { roles: { w: 'hiden' } };

/** Three steps on named parameters: where they end. */
function ends(transform: Transform, shapes: Readonly<Record<string, readonly number[]>>): Record<string, number[]> {
  const parameters = Object.fromEntries(Object.entries(shapes).map(([name, shape], i) => [name, { shape, data: random(80 + i, shape) }]));
  const optimizer = createOptimizer({ transform, parameters, backend: reference() });
  for (let n = 0; n < 3; n++)
    optimizer.step(Object.fromEntries(Object.entries(shapes).map(([name, shape], i) => [name, random(90 + 10 * n + i, shape)])));
  return Object.fromEntries(Object.keys(shapes).map((name) => [name, Array.from(optimizer.parameters[name] ?? [])]));
}

const every: readonly (readonly [string, Transform])[] = [
  ['muon', muon()],
  ['stiefel', stiefel()],
  ['block-stiefel', blockStiefel({ blocks: 2 })],
  ['l1-stiefel', l1Stiefel()],
  ['oblique', oblique()],
  ['hypersphere', hypersphere()],
  ['spectral-sphere', spectralSphere()],
  ['spectral-ball', spectralBall()],
  ['grassmannian', grassmannian()],
  ['sl-muon', slMuon()],
  ['symplectic', symplectic()],
  ['doubly-stochastic', doublyStochastic()],
];

describe('what is not hidden goes to AdamW', () => {
  const shapes = { 'layer.bias': [5], 'token_embedding.weight': [6, 4], 'lm_head.weight': [6, 4], row: [1, 7], gain: [] };
  it.each(every)('%s', (_, transform) => {
    expect(ends(transform, shapes)).toEqual(ends(aux, shapes));
    expect(console.warn).not.toHaveBeenCalled();
  });
});

describe('a hidden parameter of a shape the manifold cannot take', () => {
  it.each([
    ['sl-muon', slMuon, [4, 6], 'square, at least 2 × 2'],
    ['symplectic', symplectic, [5, 5], 'square of even size, at least 2 × 2'],
    ['grassmannian', grassmannian, [4, 4], 'rectangular: a square matrix spans the whole space'],
    [
      'block-stiefel',
      (o: { strict?: boolean }) => blockStiefel({ ...o, blocks: 3 }),
      [4, 6],
      'a matrix that can be divided into 3 blocks of rows',
    ],
    ['muon', (o: { strict?: boolean }) => muon({ ...o, blocks: 3 }), [4, 6], 'divisible into 3 blocks of rows'],
  ])('goes to AdamW with one line in the log, or throws if strict: %s', (name, make, shape, expected) => {
    expect(ends(make({}), { w: shape })).toEqual(ends(aux, { w: shape }));
    const complaint = `${name}: hidden parameter 'w' must be ${expected}, received shape [${shape.join(', ')}]`;
    expect(console.warn).toHaveBeenCalledTimes(1);
    expect(console.warn).toHaveBeenCalledWith(`@opt: ${complaint}; it is updated by AdamW`);
    expect(() => ends(make({ strict: true }), { w: shape })).toThrow(complaint);
  });

  it('takes kernels as matrices', () => {
    const [kernel, matrix] = [ends(stiefel(), { w: [4, 2, 3] }), ends(stiefel(), { w: [4, 6] })];
    expect(kernel['w']).toEqual(matrix['w']);
  });
});

describe('roles', () => {
  it('by shape, then by name', () => {
    expect(defaultRole('w', [3])).toBe('bias');
    expect(defaultRole('w', [])).toBe('bias');
    expect(defaultRole('w', [3, 1])).toBe('bias');
    expect(defaultRole('model.embed_tokens.weight', [10, 3])).toBe('embedding');
    for (const name of ['head', 'lm_head.weight', 'model/logits/kernel', 'classifier.0.weight'])
      expect(defaultRole(name, [10, 3])).toBe('head');
    for (const name of ['w', 'headway', 'layers.0.attn.q_proj']) expect(defaultRole(name, [10, 3])).toBe('hidden');
  });

  it('can be given by name or by a function, and are checked', () => {
    const shapes = { w: [4, 3], lm_head: [4, 3] };
    const plain = ends(muon(), shapes);
    const swapped = ends(muon({ roles: { w: 'head', lm_head: 'hidden' } }), shapes);
    expect(swapped['w']).not.toEqual(plain['w']);
    expect(ends(muon({ roles: (name) => (name === 'w' ? 'head' : 'hidden') }), shapes)).toEqual(swapped);
    expect(() => muon(misspelt)).toThrow(
      'muon: roles must be a role (hidden, embedding, head, bias, norm) per parameter name, or a function giving one, received an object',
    );
  });

  it('leave an embedding on a sphere where it is asked for', () => {
    const { embedding } = ends(hypersphere({ roles: { embedding: 'hidden' } }), { embedding: [5, 3] });
    for (let i = 0; i < 5; i++) expect(Math.hypot(...(embedding ?? []).slice(3 * i, 3 * i + 3))).toBeCloseTo(1, 12);
  });

  it('aux has live hyperparameters of its own', () => {
    const optimizer = createOptimizer({
      transform: muon(),
      parameters: { w: { shape: [3, 3], data: random(1, [3, 3]) }, b: { shape: [2], data: [1, 1] } },
      backend: reference(),
    });
    const before = Array.from(optimizer.parameters.w);
    optimizer.set('learningRate', 0);
    optimizer.set('aux.learningRate', 0.5);
    optimizer.step({ w: random(2, [3, 3]), b: [1, -1] });
    expect(Array.from(optimizer.parameters.w)).toEqual(before);
    expect(Array.from(optimizer.parameters.b)).toEqual([0.5, 1.5].map((x) => expect.closeTo(x, 8)));
  });
});

describe('routeMatrices', () => {
  const route = routeMatrices({ 'fc3.weight': 'head', table: 'embedding', scale: 'norm' });
  it.each([
    ['layers.0.attn.q_proj.weight', [8, 8], 'hidden'],
    ['h.3.mlp.c_fc.weight', [8, 32], 'hidden'],
    ['stem', [8, 3, 3, 3], 'hidden'],
    ['wte.weight', [50, 8], 'embedding'],
    ['lm_head.weight', [50, 8], 'head'],
    ['fc3.weight', [10, 8], 'head'],
    ['table', [50, 8], 'embedding'],
    ['scale', [8], 'norm'],
    ['anything', [8], 'bias'],
  ] as const)('%s %j is %s', (name, shape, role) => {
    expect(route(name, shape)).toBe(role);
  });

  it.each([
    [
      'fc1.weight',
      [8, 4],
      "'fc1.weight' [8, 4] may be a hidden matrix, an embedding or a head; say which, such as routeMatrices({ 'fc1.weight': 'hidden' }) (or 'embedding', 'head')",
    ],
    ['attention.output', [8, 8], "'attention.output' [8, 8] may be head or hidden; say which"],
  ])('refuses to guess about %s', (name, shape, complaint) => {
    expect(() => route(name, shape)).toThrow(`routeMatrices: ${complaint}`);
    expect(() =>
      createOptimizer({
        transform: muon({ roles: route }),
        parameters: { [name]: { shape, data: random(1, shape) } },
        backend: reference(),
      }),
    ).toThrow(`routeMatrices: ${complaint}`);
  });

  it('refuses a role that a shape cannot have', () => {
    expect(() => routeMatrices({ b: 'hidden' })('b', [4])).toThrow(
      "routeMatrices: the role of 'b' must be 'bias' or 'norm' for shape [4], received 'hidden'",
    );
  });
});

describe('what a model says about its parameters', () => {
  /** msign([[2, 0, 0], [0, 3, 0]]) = [[1, 0, 0], [0, 1, 0]]; √(out/in) = √1.5 where rows are inputs, else 1. */
  const step = (options: Parameters<typeof muon>[0], about: Readonly<Record<string, About>>): number[] => {
    const optimizer = createOptimizer({
      transform: muon({ learningRate: 0.5, momentum: 0, orthogonalization: 'svd', ...options }),
      parameters: { w: { shape: [2, 3], data: new Float64Array(6) } },
      backend: reference(),
      about,
    });
    optimizer.step({ w: [2, 0, 0, 0, 3, 0] });
    return [...optimizer.parameters.w];
  };
  const moved = (by: number): number[] => [-by, 0, 0, 0, -by, 0].map((x) => expect.closeTo(x, 9));

  it('layout: the scale goes by it, unless the option says otherwise', () => {
    expect(step({}, {})).toEqual(moved(0.5));
    expect(step({}, { w: { layout: 'in-out' } })).toEqual(moved(0.5 * Math.sqrt(1.5)));
    expect(step({}, { w: { layout: 'taps-out-in' } })).toEqual(moved(0.5));
    expect(step({ layout: 'out-in' }, { w: { layout: 'in-out' } })).toEqual(moved(0.5));
  });

  it('roles: a head goes to AdamW, whose first step is its rate, unless the option says otherwise', () => {
    const about = { w: { role: 'head' } } as const;
    expect(step({ aux: { learningRate: 0.25 } }, about)).toEqual(moved(0.25));
    expect(step({ aux: { learningRate: 0.25 }, roles: routeMatrices() }, about)).toEqual(moved(0.25));
    expect(step({ roles: { w: 'hidden' } }, about)).toEqual(moved(0.5));
    expect(() => step({ roles: routeMatrices() }, {})).toThrow("routeMatrices: 'w' [2, 3] may be");
  });

  it('kernels: each by its own layout, in one model', () => {
    const run = (about: Readonly<Record<string, About>>, layout: 'in-out' | 'out-in' | null): number[] => {
      const optimizer = createOptimizer({
        transform: stiefel({ layout, learningRate: 0.1 }),
        parameters: { a: { shape: [2, 2, 3], data: random(3, [12]) }, b: { shape: [2, 2, 3], data: random(3, [12]) } },
        backend: reference(),
        about,
      });
      optimizer.step({ a: random(4, [12]), b: random(4, [12]) });
      return [...optimizer.parameters.a, ...optimizer.parameters.b];
    };
    const [inOut, outIn] = [run({}, 'in-out'), run({}, 'out-in')];
    expect(inOut).not.toEqual(outIn);
    expect(run({ a: { layout: 'in-out' }, b: { layout: 'out-in' } }, null)).toEqual([...inOut.slice(0, 12), ...outIn.slice(12)]);
  });
});
