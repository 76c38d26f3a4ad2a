import { reference } from '@opt/backend-reference';
import { createOptimizer, explain, mapValues, type Rule } from '@opt/core';
import { direct, full, ggt, type LowRankBasis, random, randomised } from '@opt/lre-basis';
import { bfgs, covariance, fullHutchinsonHessian, sr1, update } from '@opt/lre-curvature';
import { adam, ema, lion } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { fullMatrixAdam, lInv, lInvSqrt, lre } from './index.ts';

const d = 6;
const wave = (t: number, n = d): number[] => Array.from({ length: n }, (_, i) => Math.sin(1.7 * t + 2.3 * i + 0.3 * t * i));
const make = (transform: Rule, data: readonly number[] = new Array(d).fill(0), seed = 0) =>
  createOptimizer({ transform, parameters: { x: { shape: [data.length], data } }, backend: reference(), seed });
const path = (transform: Rule, steps: number, seed = 0): number[][] => {
  const optimizer = make(transform, undefined, seed);
  return Array.from({ length: steps }, (_, t) => {
    optimizer.step({ x: wave(t) });
    return Array.from(optimizer.parameters.x);
  });
};

describe('with the default basis, on 10⁶ parameters and 100 kept gradients', () => {
  const size = 1e6;
  const { programs, stateBytes } = explain(lre(), { w: [size] }, 4);
  const step = programs.filter(({ program }) => program.nodes.some(({ operation }) => operation.op === 'eigh')).at(-1);
  const nodes = step?.program.nodes ?? [];
  const whole = `100,${size}`;

  it('a step goes over the history twice', () => {
    const passes = nodes.filter(
      ({ operation, inputs }) => operation.op === 'matmul' && inputs.some((i) => nodes[i]?.shape.join() === whole),
    );
    expect(passes).toHaveLength(2);
    expect(step?.bytes).toBeLessThan(0.86e9);
    expect(step?.flops).toBeLessThan(4.3e8);
  });

  it('forms no other matrix with d rows', () => {
    const large = nodes.filter(
      ({ operation, shape }) => shape.length === 2 && Math.min(...shape) > 1 && shape.includes(size) && operation.op !== 'input',
    );
    expect(large.map(({ operation }) => operation.op)).toEqual(['setRow']);
  });

  it('keeps at most 1.1 times the history', () => {
    expect(stateBytes).toBeLessThanOrEqual(1.1 * size * 100 * 4);
  });
});

describe('lre', () => {
  it('in a basis of everything, whitened, is a step against the inverse root of the matrix', () => {
    const optimizer = make(lre({ learningRate: 1, basis: full({ beta: null }), inner: lInvSqrt() }));
    optimizer.step({ x: [3, 0, 0, 0, 0, 0] });
    // M = I + ggᵀ has the eigenvalue 10 along g.
    expect(optimizer.parameters.x[0]).toBeCloseTo(-3 / Math.sqrt(10), 12);
  });

  it('moves only inside the span of what it has seen', () => {
    const [first = []] = path(lre({ learningRate: 1, inner: ema({ beta: 0 }) }), 1);
    wave(0).forEach((g, i) => {
      expect(first[i]).toBeCloseTo(-g, 10);
    });
  });

  it('joins parameters in the order of their declaration', () => {
    const transform = lre({ learningRate: 0.1 });
    const apart = createOptimizer({
      transform,
      parameters: { a: { shape: [2], data: [0, 0] }, b: { shape: [2, 2], data: [0, 0, 0, 0] } },
      backend: reference(),
    });
    for (let t = 0; t < 5; t++) apart.step({ a: wave(t).slice(0, 2), b: wave(t).slice(2) });
    expect([...apart.parameters.a, ...apart.parameters.b]).toEqual(path(transform, 5).at(-1));
  });

  it.each<[string, LowRankBasis, LowRankBasis]>([
    [
      'direct and randomised',
      direct({ rank: 4, beta: 0.9 }),
      randomised({ rank: 4, beta: 0.9, oversampling: 2, eigTol: 1e-4, updateDamping: 1e-4 }),
    ],
    ['ggt and a direct sum', ggt({ historySize: 6, eigTol: 1e-9 }), direct({ rank: 6, beta: null, eigTol: 1e-9, updateDamping: 0 })],
  ])('%s take the same path', (_, one, other) => {
    const run = (basis: LowRankBasis): number[] => path(lre({ learningRate: 0.1, basis, inner: [ema(), lInvSqrt()] }), 6).at(-1) ?? [];
    const [a, b] = [run(one), run(other)];
    a.forEach((x, i) => {
      expect(x).toBeCloseTo(b[i] ?? Number.NaN, 8);
    });
  });

  it('with a vector state does not depend on how the basis is drawn', () => {
    const run = (seed: number): number[] =>
      path(lre({ learningRate: 0.1, basis: random({ rank: d }), inner: ema() }), 8, seed).at(-1) ?? [];
    run(1).forEach((x, i) => {
      expect(x).toBeCloseTo(run(2)[i] ?? Number.NaN, 10);
    });
  });

  it('builds the basis first and moves nothing, if asked: no state inside is touched', () => {
    const optimizer = make(lre({ basis: direct({ rank: 3 }), inner: adam({ beta2: 0.99 }), initSteps: 2 }));
    optimizer.step({ x: wave(0) });
    optimizer.step({ x: wave(1) });
    expect(Array.from(optimizer.parameters.x)).toEqual(new Array(d).fill(0));
    expect(Array.from(optimizer.state['lre/adam.v:*'] ?? [])).toEqual([0, 0, 0]);
    expect(Array.from(optimizer.state['lre/direct.L:*'] ?? []).some((x) => x > 0)).toBe(true);
    optimizer.step({ x: wave(2) });
    expect(Array.from(optimizer.parameters.x)).not.toEqual(new Array(d).fill(0));
  });

  it('keeps an identity that a matrix starts from until the first step inside', () => {
    const run = (initSteps: number): number[] => {
      const optimizer = make(lre({ basis: ggt({ historySize: 3 }), inner: fullMatrixAdam(), initSteps }));
      for (let t = 0; t <= initSteps; t++) optimizer.step({ x: wave(t) });
      return Array.from(optimizer.state['lre/full-matrix-adam.M:*'] ?? []);
    };
    // After one step inside, M = 0.99·I + 0.01·ppᵀ.
    const trace = (M: readonly number[]): number => M.reduce((sum, x, i) => sum + (i % 4 === 0 ? x : 0), 0);
    expect(trace(run(0))).toBeGreaterThan(2.9);
    expect(trace(run(2))).toBeGreaterThan(2.9);
  });

  it('refreshes only every so many steps, with all columns since', () => {
    const optimizer = make(lre({ basis: direct({ rank: 6, beta: null }), updateFreq: 3, inner: lInvSqrt() }));
    const seen = Array.from({ length: 7 }, (_, t) => {
      optimizer.step({ x: wave(t) });
      return optimizer.state['lre/direct.n:*']?.[0];
    });
    expect(seen).toEqual([1, 1, 1, 4, 4, 4, 7]);
    expect(optimizer.programs).toBeLessThanOrEqual(6);
  });

  it('with corrections that come one step late waits for them (D16)', () => {
    const optimizer = make(lre({ learningRate: 0.1, curvature: update(), inner: ema({ beta: 0 }) }), [1, 2, 3, 4, 5, 6]);
    for (let t = 0; t < 3; t++) optimizer.step({ x: wave(t) });
    // Nothing moved on the first step, so the second correction is 0, and so is every one after it.
    expect(Array.from(optimizer.parameters.x)).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe('rejected corrections', () => {
  /** A concave valley: every BFGS correction is rejected while `concave`. */
  const run = (concave: (t: number) => boolean, steps: number, initSteps = 0) => {
    const optimizer = make(
      lre({ learningRate: 0.1, curvature: bfgs(), basis: direct({ rank: 4, beta: null }), inner: [adam({ beta2: 0.99 })], initSteps }),
      [1, 2, 3, 4, 5, 6],
    );
    return Array.from({ length: steps }, (_, t) => {
      optimizer.step({ gradients: () => ({ x: wave(t) }), hvp: (v) => ({ x: Array.from(v.x, (x) => (concave(t) ? -x : 2 * x)) }) });
      return {
        x: Array.from(optimizer.parameters.x),
        inside: mapValues(optimizer.state, (slot) => Array.from(slot)),
      };
    });
  };

  it('on the first step of all are a zero update, without a step inside (D18)', () => {
    const [first, second] = run((t) => t === 0, 2);
    expect(first?.x).toEqual([1, 2, 3, 4, 5, 6]);
    expect(first?.inside['lre/adam.m:*']).toEqual([0, 0, 0, 0]);
    expect(first?.inside['lre.steps:*']).toEqual([0]);
    expect(second?.x).not.toEqual([1, 2, 3, 4, 5, 6]);
    expect(second?.inside['lre.steps:*']).toEqual([1]);
  });

  it('later leave the basis as it is and step on in it', () => {
    const [, second, third] = run((t) => t === 2, 3);
    for (const [key, value] of Object.entries(second?.inside ?? {}))
      if (key.startsWith('lre/direct.')) expect(third?.inside[key]).toEqual(value);
    expect(third?.inside['lre.steps:*']).toEqual([3]);
    expect(third?.x).not.toEqual(second?.x);
  });

  it('while the basis is built only put off the first step inside', () => {
    const steps = run((t) => t < 3, 5, 2);
    expect(steps.map(({ inside }) => inside['lre.steps:*']?.[0])).toEqual([0, 0, 0, 1, 2]);
  });
});

describe('the whole of an optimizer’s state', () => {
  it.each<[string, Rule]>([
    ['the default', lre()],
    ['GGT in part, lion', lre({ basis: ggt({ historySize: 3, truncate: 2 }), inner: lion(), updateFreq: 2 })],
    ['random', lre({ basis: random({ rank: 2, generateFreq: 2 }) })],
  ])('is saved: %s goes on bit for bit', (_, transform) => {
    const [through, first, second] = [make(transform), make(transform), make(transform)];
    for (let t = 0; t < 9; t++) through.step({ x: wave(t) });
    for (let t = 0; t < 4; t++) first.step({ x: wave(t) });
    second.load(first.save());
    for (let t = 4; t < 9; t++) second.step({ x: wave(t) });
    expect(Array.from(second.parameters.x)).toEqual(Array.from(through.parameters.x));
  });

  it('has one learning rate, live, for every parameter (D18)', () => {
    const transform = lre({ learningRate: 1, inner: ema({ beta: 0 }) });
    const optimizer = createOptimizer({
      transform,
      parameters: { a: { shape: [2], data: [0, 0] }, b: { shape: [2], data: [0, 0] } },
      backend: reference(),
    });
    optimizer.set('learningRate', 0);
    optimizer.step({ a: [1, 2], b: [3, 4] });
    expect([...optimizer.parameters.a, ...optimizer.parameters.b]).toEqual([0, 0, 0, 0]);
  });
});

it('answers to a curvature that is no curvature, and to other bad options', () => {
  const wrong =
    (options: object): (() => Rule) =>
    () =>
      lre(options);
  expect(wrong({ curvature: ggt() })).toThrow('lre: curvature must be a curvature such as covariance(), received an object');
  expect(wrong({ basis: covariance() })).toThrow('lre: basis must be a basis such as ggt(), received an object');
  expect(wrong({ inner: [adam(), 3] })).toThrow('lre: inner must be a transform such as adam(), received 3');
  expect(wrong({ updateFreq: 0 })).toThrow('lre: updateFreq must be an integer >= 1, received 0');
  expect(wrong({ initSteps: -1 })).toThrow('lre: initSteps must be an integer >= 0, received -1');
  expect(wrong({ symmetrize: 1 })).toThrow('lre: symmetrize must be true or false, received 1');
});

it('a Newton step with exact products on the whole space arrives at once', () => {
  const H = [1, 4, 9];
  const optimizer = make(
    lre({
      learningRate: 1,
      curvature: sr1(),
      basis: direct({ rank: 3, beta: null, eigTol: 1e-9, updateDamping: 0 }),
      inner: lInv(),
      initSteps: 3,
    }),
    [1, 1, 1],
  );
  for (let step = 0; step < 4; step++) {
    optimizer.step({
      gradients: () => ({ x: H.map((h, i) => h * (optimizer.parameters.x[i] ?? 0)) }),
      hvp: (v) => ({ x: H.map((h, i) => h * (v.x[i] ?? 0)) }),
    });
  }
  expect(Math.max(...Array.from(optimizer.parameters.x, Math.abs))).toBeLessThan(1e-9);
});

it('Hessian pairs are symmetrised to ¼(z+Hz)(z+Hz)ᵀ by default, or to their symmetric part', () => {
  const state = (symmetrize: boolean): number[] => {
    const optimizer = make(
      lre({
        curvature: fullHutchinsonHessian(),
        basis: ggt({ historySize: 2, abs: true, eigTol: 1e-12 }),
        inner: lInv(),
        symmetrize,
        initSteps: 1,
      }),
      [0, 0],
    );
    optimizer.step({ gradients: () => ({ x: [1, 1] }), probe: () => ({ x: [1, 1] }), hvp: () => ({ x: [3, -1] }) });
    return Array.from(optimizer.state['lre/ggt.L:*'] ?? [])
      .filter((x) => x !== 0)
      .map((x) => Math.round(x * 1e9) / 1e9);
  };
  // ¼·(4, 0)(4, 0)ᵀ has the eigenvalue 4; ½((3,−1)(1,1)ᵀ + (1,1)(3,−1)ᵀ) = [[3, 1], [1, −1]] has 1 ± √5.
  expect(state(true)).toEqual([4]);
  expect(state(false).sort()).toEqual([Math.sqrt(5) - 1, 1 + Math.sqrt(5)].map((x) => Math.round(x * 1e9) / 1e9));
});
