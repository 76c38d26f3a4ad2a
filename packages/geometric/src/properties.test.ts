import { reference } from '@opt/backend-reference';
import { createOptimizer, type Shape, type Tensor } from '@opt/core';
import { describe, expect, it } from 'vitest';
import {
  blockStiefel,
  determinant,
  doublyStochastic,
  expSinkhorn,
  grassmannian,
  hypersphere,
  l1Stiefel,
  type ManifoldRule,
  newtonSchulz,
  oblique,
  quintic,
  slMuon,
  spectralBall,
  spectralSphere,
  stepSparsity,
  stiefel,
  symplectic,
  verticalFraction,
} from './index.ts';
import { addIdentity, inner, sym, trace } from './matrix.ts';
import { apply, distance, product, random, rotation, run, singularValues, step, transposed, walk } from './testing/kit.ts';

const epsilon = 2 ** -52;
const nuclear = (data: ArrayLike<number>, shape: Shape): number => singularValues(data, shape).reduce((sum, s) => sum + s, 0);

/** A point of the rule's manifold. */
const pointOf = (rule: ManifoldRule, seed: number, shape: Shape): number[] =>
  apply(random(seed, shape), shape, (w) => rule.manifold.project(w, epsilon));

/** Loss ½Σ(w − target)² with its gradient. */
const target = (shape: Shape): Float64Array => random(41, shape);
const loss = (w: ArrayLike<number>, shape: Shape): number => target(shape).reduce((sum, t, i) => sum + 0.5 * ((w[i] ?? 0) - t) ** 2, 0);
const gradient = (w: ArrayLike<number>, shape: Shape): Float64Array => target(shape).map((t, i) => (w[i] ?? 0) - t);

describe('descent: (loss drop)/η for a small step is the dual norm of the tangent', () => {
  const plain = { momentum: 0, nesterov: false, learningRate: 1e-6 };
  it.each([
    ['stiefel', stiefel(plain), [6, 6]],
    ['stiefel', stiefel(plain), [8, 4]],
    ['stiefel', stiefel(plain), [4, 8]],
    ['grassmannian', grassmannian(plain), [9, 3]],
    ['grassmannian', grassmannian(plain), [3, 9]],
    ['sl-muon', slMuon({ ...plain, compactDecay: 0 }), [5, 5]],
    ['symplectic', symplectic({ ...plain, compactDecay: 0 }), [6, 6]],
    ['spectral-sphere', spectralSphere(plain), [6, 4]],
  ] as const)('%s', (_, rule, shape) => {
    const w = pointOf(rule, 42, shape);
    const g = gradient(w, shape);
    const xi = run({ w: { shape, data: w }, g: { shape, data: g } }, ({ w, g }) => tangentOf(rule, w, g))['xi'] ?? [];
    const drop = (loss(w, shape) - loss(step(rule, shape, w, g), shape)) / 1e-6;
    expect(drop / nuclear(xi, shape)).toBeCloseTo(1, 2);
  });

  it('oblique: the sum of the tangent norms of all columns', () => {
    const [rule, shape] = [oblique(plain), [6, 3]];
    const w = pointOf(rule, 43, shape);
    const g = gradient(w, shape);
    const xi = run({ w: { shape, data: w }, g: { shape, data: g } }, ({ w, g }) => tangentOf(rule, w, g))['xi'] ?? [];
    const norms = [0, 1, 2].map((j) => Math.hypot(...xi.filter((_, i) => i % 3 === j)));
    const drop = (loss(w, shape) - loss(step(rule, shape, w, g), shape)) / 1e-6;
    expect(drop / norms.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 4);
  });
});

function tangentOf(rule: ManifoldRule, w: Tensor | undefined, g: Tensor | undefined): Record<string, Tensor> {
  return w === undefined || g === undefined ? {} : { xi: rule.manifold.tangent(w, g) };
}

describe('symmetry', () => {
  const gradients = (shape: Shape): Float64Array[] => [44, 45, 46].map((seed) => random(seed, shape));
  const last = (rule: ManifoldRule, shape: Shape, start: ArrayLike<number>, path: readonly Float64Array[]): Float64Array =>
    walk(rule, shape, start, path).at(-1) ?? new Float64Array(0);

  it.each([
    [8, 4],
    [4, 8],
    [5, 5],
  ])('stiefel commutes with rotations on both sides and with transposition, shape [%i, %i]', (m, n) => {
    const [rule, shape] = [stiefel(), [m, n]];
    const w = pointOf(rule, 47, shape);
    const end = last(rule, shape, w, gradients(shape));
    const [left, right] = [rotation(48, m), rotation(49, n)];
    const turned = (x: ArrayLike<number>): Float64Array => product(product(left, x, m, m, n), right, m, n, n);
    expect(distance(last(rule, shape, turned(w), gradients(shape).map(turned)), turned(end))).toBeLessThan(1e-11);
    const flipped = last(
      rule,
      [n, m],
      transposed(w, m, n),
      gradients(shape).map((g) => transposed(g, m, n)),
    );
    expect(distance(flipped, transposed(end, m, n))).toBeLessThan(1e-11);
  });

  it('grassmannian commutes with a change of basis of the subspace, and with transposition', () => {
    const [rule, shape] = [grassmannian(), [9, 3]];
    const w = pointOf(rule, 50, shape);
    const end = last(rule, shape, w, gradients(shape));
    const basis = rotation(51, 3);
    const turned = (x: ArrayLike<number>): Float64Array => product(x, basis, 9, 3, 3);
    expect(distance(last(rule, shape, turned(w), gradients(shape).map(turned)), turned(end))).toBeLessThan(1e-11);
    const flipped = last(
      rule,
      [3, 9],
      transposed(w, 9, 3),
      gradients(shape).map((g) => transposed(g, 9, 3)),
    );
    expect(distance(flipped, transposed(end, 9, 3))).toBeLessThan(1e-11);
  });

  it.each([
    ['stiefel', stiefel(), [8, 4]],
    ['l1-stiefel', l1Stiefel(), [8, 4]],
    ['oblique', oblique(), [8, 4]],
    ['grassmannian', grassmannian(), [8, 4]],
    ['spectral-sphere', spectralSphere(), [8, 4]],
    ['sl-muon', slMuon(), [5, 5]],
    ['symplectic', symplectic(), [6, 6]],
    ['doubly-stochastic', doublyStochastic(), [5, 5]],
  ] as const)('%s does not see the length of gradients', (_, rule, shape) => {
    const w = pointOf(rule, 52, shape);
    const end = last(rule, shape, w, gradients(shape));
    for (const size of [1e-4, 1e4]) {
      const scaled = gradients(shape).map((g) => g.map((x) => x * size));
      expect(distance(last(rule, shape, w, scaled), end)).toBeLessThan(1e-10);
    }
  });

  it.each([
    ['stiefel', stiefel(), [6, 4]],
    ['stiefel, dual ascent', stiefel({ dualSteps: 5 }), [6, 4]],
    ['block-stiefel', blockStiefel({ blocks: 2 }), [6, 4]],
    ['l1-stiefel', l1Stiefel(), [6, 4]],
    ['oblique', oblique(), [6, 4]],
    ['hypersphere', hypersphere(), [6, 4]],
    ['grassmannian', grassmannian(), [6, 4]],
    ['spectral-sphere', spectralSphere(), [6, 4]],
    ['spectral-ball', spectralBall(), [6, 4]],
    ['sl-muon', slMuon({ compactDecay: 0 }), [5, 5]],
    ['symplectic', symplectic({ compactDecay: 0 }), [6, 6]],
    ['doubly-stochastic', doublyStochastic(), [5, 5]],
  ] as const)('a zero gradient moves nothing on %s', (_, rule, shape) => {
    const w = pointOf(rule, 53, shape);
    expect(distance(step(rule, shape, w, new Float64Array(w.length)), w)).toBeLessThan(1e-14);
  });
});

describe('directions', () => {
  it('dual ascent comes closer to tangent than msign does, and needs no gradient length', () => {
    const [shape, plain] = [[8, 4], stiefel()];
    const w = pointOf(plain, 54, shape);
    const residual = (dualSteps: number): number => {
      const { manifold } = stiefel({ dualSteps });
      const A = apply(random(55, shape), shape, (g) => {
        const point = g.mul(0).add(run0(w, shape, g));
        const direction = manifold.lmo?.(point, manifold.tangent(point, g), epsilon) ?? g;
        return sym(inner(point, direction));
      });
      return Math.max(...A.map(Math.abs));
    };
    expect(residual(50)).toBeLessThan(0.5 * residual(0));
  });

  it.each([
    [0.5, 0.1, 0.35],
    [2, 0.6, 0.97],
  ])('an l1 step of weight %f has between %f and %f of its entries zero', (l1Weight, least, most) => {
    const rule = l1Stiefel({ l1Weight });
    const shape = [24, 12];
    const w = pointOf(rule, 56, shape);
    const sparsity = run({ w: { shape, data: w }, g: { shape, data: random(57, shape) } }, ({ w, g }) => {
      if (w === undefined || g === undefined) return {};
      const xi = rule.manifold.tangent(w, g);
      return { share: stepSparsity(rule.manifold.lmo?.(w, xi, epsilon) ?? xi) };
    });
    expect(sparsity['share']?.[0]).toBeGreaterThan(least);
    expect(sparsity['share']?.[0]).toBeLessThan(most);
  });

  it('the vertical fraction is 1 for motion inside the subspace, 0 across it', () => {
    const w = [1, 0, 0, 1, 0, 0];
    const fraction = (u: readonly number[]): number | undefined =>
      run({ w: { shape: [3, 2], data: w }, u: { shape: [3, 2], data: u } }, ({ w, u }) => (w && u ? { f: verticalFraction(w, u) } : {}))[
        'f'
      ]?.[0];
    expect(fraction([1, 2, 3, 4, 0, 0])).toBeCloseTo(1, 12);
    expect(fraction([0, 0, 0, 0, 5, 6])).toBeCloseTo(0, 12);
  });
});

/** A constant matrix inside a trace of g. */
function run0(w: readonly number[], shape: Shape, g: Tensor): Tensor {
  const [m = 1, n = 1] = shape;
  return w.reduce((sum, x, i) => {
    const row = addIdentity(g.matmul(g, { transposeB: true }).mul(0)).slice([0, Math.floor(i / n)], [m, Math.floor(i / n) + 1]);
    const column = addIdentity(g.matmul(g, { transposeA: true }).mul(0)).slice([i % n, 0], [(i % n) + 1, n]);
    return sum.add(row.mul(column).mul(x));
  }, g.mul(0));
}

describe('the maps of the seed, as it had them', () => {
  const J = (n: number): number[] =>
    Array.from({ length: n * n }, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      return j === i + n / 2 ? 1 : i === j + n / 2 ? -1 : 0;
    });

  it('its symplectic correction is zero: it only rescales, and takes a symplectic matrix off the group', () => {
    const [shape, rule] = [[6, 6], symplectic()];
    const w = pointOf(rule, 58, shape);
    const corrected = run({ w: { shape, data: w }, j: { shape, data: J(6) } }, ({ w, j }) => {
      if (w === undefined || j === undefined) return {};
      const E = w.matmul(j.matmul(w), { transposeA: true }).sub(j);
      const H = j.matmul(sym(j.matmul(j.matmul(E).mul(-0.5), { transposeA: true })));
      const moved = w.add(w.matmul(H));
      return { y: moved.mul(6).div(trace(moved.matmul(moved, { transposeA: true })).sqrt()) };
    });
    const y = corrected['y'] ?? [];
    const scale = (y[0] ?? 0) / (w[0] ?? 1);
    expect(
      distance(
        y,
        w.map((x) => scale * x),
      ),
    ).toBeLessThan(1e-12);
    const error = apply(y, shape, (x) => rule.manifold.error(x));
    expect(error[0]).toBeGreaterThan(1);
    expect(apply(w, shape, (x) => rule.manifold.error(x))[0]).toBeLessThan(1e-12);
  });

  it('its Grassmannian gradient climbs: (I − WWᵀ) of unit rows has negative eigenvalues', () => {
    const [shape, rows] = [[6, 40], oblique({ axis: 'rows' })];
    const common = random(59, [1, 40]);
    const w = apply(
      random(60, shape).map((x, i) => x + 2 * (common[i % 40] ?? 0)),
      shape,
      (x) => rows.manifold.project(x, epsilon),
    );
    const eigenvalues = apply(w, shape, (x) => addIdentity(x.matmul(x, { transposeB: true }).neg()).eigh().values);
    expect(eigenvalues[0]).toBeLessThan(-1);
    // With orthonormal rows the same formula gives exactly nothing.
    const orthonormal = pointOf(stiefel(), 61, shape);
    const nothing = apply(orthonormal, shape, (x) => x.sub(x.matmul(x, { transposeB: true }).matmul(x)));
    expect(Math.max(...nothing.map(Math.abs))).toBeLessThan(1e-12);
  });

  it('its exp-Sinkhorn map is no projection: it shrinks a doubly stochastic matrix towards the mean', () => {
    const shape = [6, 6];
    const w = pointOf(doublyStochastic(), 62, shape);
    const deviation = (x: readonly number[]): number => Math.max(...x.map((value) => Math.abs(value - 1 / 6)));
    const once = apply(w, shape, (x) => expSinkhorn(x, 10, 1, 1e-10));
    const twice = apply(once, shape, (x) => expSinkhorn(x, 10, 1, 1e-10));
    expect(deviation(once)).toBeLessThan(deviation(w) / 3);
    expect(deviation(twice)).toBeLessThan(deviation(once) / 3);
  });

  it('its five quintic steps leave an orthonormal matrix', () => {
    const [shape, rule] = [[8, 4], stiefel()];
    const w = pointOf(rule, 63, shape);
    const mapped = apply(w, shape, (x) => newtonSchulz(x, { triples: Array.from({ length: 5 }, () => quintic), epsilon: 1e-7 }));
    expect(apply(mapped, shape, (x) => rule.manifold.error(x))[0]).toBeGreaterThan(0.1);
  });
});

describe('resuming', () => {
  it.each([
    ['stiefel', stiefel(), [8, 4]],
    ['oblique, adam', oblique({ direction: 'adam' }), [8, 4]],
    ['spectral-sphere', spectralSphere(), [4, 8]],
    ['sl-muon', slMuon(), [5, 5]],
    ['doubly-stochastic', doublyStochastic(), [5, 5]],
    ['projected', stiefel({ mode: 'projected', projection: 'newton-schulz' }), [8, 4]],
  ] as const)('%s continues bit for bit', (_, rule, shape) => {
    const parameters = { w: { shape, data: pointOf(rule, 64, shape) } };
    const gradients = [65, 66, 67, 68].map((seed) => ({ w: random(seed, shape) }));
    const make = () => createOptimizer({ transform: rule, parameters, backend: reference({ precision: 'f32' }) });
    const [through, half, resumed] = [make(), make(), make()];
    for (const one of gradients) through.step(one);
    for (const one of gradients.slice(0, 2)) half.step(one);
    resumed.load(half.save());
    for (const one of gradients.slice(2)) resumed.step(one);
    expect(resumed.parameters.w).toEqual(through.parameters.w);
  });

  it('SL keeps det = 1 through a negative start and many steps', () => {
    const rule = slMuon();
    const optimizer = createOptimizer({
      transform: rule,
      parameters: { w: { shape: [3, 3], data: random(69, [3, 3]) } },
      backend: reference(),
    });
    for (let n = 0; n < 50; n++) optimizer.step({ w: random(70 + n, [3, 3]) });
    const { sign } = run({ w: { shape: [3, 3], data: optimizer.parameters.w } }, ({ w }) => (w ? { ...determinant(w) } : {}));
    expect(sign?.[0]).toBe(1);
  });
});
