import { reference } from '@opt/backend-reference';
import { chain, createOptimizer, type Shape, size } from '@opt/core';
import { clipValue } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { everyStep, klSoap, type SoapOptions, soap } from './index.ts';
import { gradientAt, type Matrix, product, rows, T, values, zip } from './testing/matrices.ts';

const make = (options: SoapOptions, shapes: Readonly<Record<string, Shape>>) =>
  createOptimizer({
    transform: soap(options),
    parameters: Object.fromEntries(
      Object.entries(shapes).map(([name, shape], i) => [name, { shape, data: gradientAt(50 + i, size(shape)) }]),
    ),
    backend: reference(),
  });
const expectClose = (received: readonly number[], expected: readonly number[], digits = 11): void => {
  expect(received.length).toBe(expected.length);
  for (const [i, x] of expected.entries()) expect(received[i]).toBeCloseTo(x, digits);
};
/** No basis but the identity, so that coordinates are entries. */
const still: SoapOptions = { initialBasis: 'identity', preconditionFrequency: 1000, weightDecay: 0, learningRate: 0.1 };
const sum = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0);

describe('factors that whiten one another', () => {
  const options: SoapOptions = {
    ...still,
    factor: 'kl',
    shampooBeta: 0.8,
    initialEigenvalue: 0.5,
    eigenvalueFloor: null,
    correctBias: false,
  };

  it('take gradients divided by the old eigenvalues of the other side, and so do the eigenvalues', () => {
    const optimizer = make(options, { w: [2, 3] });
    let [A, B]: [Matrix, Matrix] = [rows([0, 0, 0, 0], 2), rows(Array(9).fill(0), 3)];
    let [e, f] = [
      [0.5, 0.5],
      [0.5, 0.5, 0.5],
    ];
    for (let call = 1; call <= 4; call++) {
      const G = rows(gradientAt(call, 6), 3);
      optimizer.step({ w: G.flat() });
      const first = call === 1;
      const left = G.map((row) => row.map((x, j) => x / Math.sqrt(first ? 1 : (f[j] ?? 0))));
      const right = G.map((row, i) => row.map((x) => x / Math.sqrt(first ? 1 : (e[i] ?? 0))));
      A = zip(A, product(left, T(left)), (a, g) => 0.8 * a + (0.2 * g) / 3);
      B = zip(B, product(T(right), right), (a, g) => 0.8 * a + (0.2 * g) / 2);
      if (!first) {
        const [e0, f0] = [e, f];
        e = e0.map((x, i) => 0.8 * x + (0.2 * sum((G[i] ?? []).map((g, j) => g ** 2 / (f0[j] ?? 0)))) / 3);
        f = f0.map((x, j) => 0.8 * x + (0.2 * sum(G.map((row, i) => (row[j] ?? 0) ** 2 / (e0[i] ?? 0)))) / 2);
      }
      expectClose(values(optimizer.state['soap.A0:w']), A.flat());
      expectClose(values(optimizer.state['soap.A1:w']), B.flat());
      expectClose(values(optimizer.state['soap.e0:w']), e);
      expectClose(values(optimizer.state['soap.e1:w']), f);
    }
  });

  it('have eigenvalues above a floor that goes by the length of the side', () => {
    const small = gradientAt(1, 24).map((x) => 1e-6 * x);
    const after = (eigenvalueFloor: number | 'auto' | null): number[][] => {
      const optimizer = make({ ...options, shampooBeta: 0, eigenvalueFloor }, { w: [12, 2] });
      for (let call = 1; call <= 2; call++) optimizer.step({ w: small });
      return ['soap.e0:w', 'soap.e1:w'].map((key) => values(optimizer.state[key]));
    };
    expect(after('auto')).toEqual([Array(12).fill(1 / 144), Array(2).fill(0.01)]);
    expect(after(0.25)).toEqual([Array(12).fill(0.25), Array(2).fill(0.25)]);
    expect(Math.max(...(after(null)[0] ?? []))).toBeLessThan(1e-3);
  });

  it('whiten the momentum by the product of their eigenvalues, of each parameter its own; Adam where there is no basis', () => {
    const both: SoapOptions = { ...options, inner: 'whiten', beta1: 0.9, beta2: 0.8, epsilon: 1e-3 };
    const optimizer = make(both, { w: [2, 3], other: [3, 2], b: [3] });
    const adam = make({ ...both, inner: 'adam' }, { w: [2, 3], other: [3, 2], b: [3] });
    let [p, m] = [values(optimizer.parameters['w']), Array<number>(6).fill(0)];
    for (let call = 1; call <= 3; call++) {
      const gradients = { w: gradientAt(call, 6), other: gradientAt(-call, 6), b: gradientAt(call, 3) };
      const [e, f] = ['soap.e0:w', 'soap.e1:w'].map((key) => values(optimizer.state[`whitened/${key}`]));
      for (const one of [optimizer, adam]) one.step(gradients);
      if (call > 1) {
        m = m.map((x, i) => 0.9 * x + 0.1 * (gradients.w[i] ?? 0));
        p = p.map((x, at) => {
          const product = (e?.[Math.floor(at / 3)] ?? 0) * (f?.[at % 3] ?? 0);
          return x - (0.1 * (m[at] ?? 0)) / (Math.sqrt(product) + 1e-3);
        });
      }
      expectClose(values(optimizer.parameters['w']), p);
    }
    expect(values(optimizer.parameters['b'])).toEqual(values(adam.parameters['b']));
  });

  it('are refused where they would be without effect', () => {
    expect(() => soap({ inner: 'whiten' })).toThrow("soap: inner must be 'whiten' only with factor 'kl', received 'whiten'");
    expect(() => soap({ initialEigenvalue: 0.2 })).toThrow("soap: initialEigenvalue must be left out with factor 'gram', received 0.2");
    expect(() => soap({ eigenvalueFloor: 'auto' })).toThrow("soap: eigenvalueFloor must be left out with factor 'gram', received 'auto'");
  });
});

describe('the direction in the basis', () => {
  const options: SoapOptions = { ...still, beta1: 0.9, beta2: 0.8, epsilon: 0.5, correctBias: false };
  /** Each entry by itself. */
  function byHand(given: SoapOptions, calls: number): number[] {
    let [p, m, v] = [gradientAt(50, 6), Array<number>(6).fill(0), Array<number>(6).fill(0)];
    for (let call = 1; call <= calls; call++) {
      const g = gradientAt(call, 6);
      const first = call === 1;
      if (first && given.firstCall !== 'raw') continue;
      m = m.map((x, i) => 0.9 * x + 0.1 * (g[i] ?? 0));
      const U = m.map((x, i) => (given.nesterov ? 0.9 * x + 0.1 * (g[i] ?? 0) : x));
      if (first) {
        p = p.map((x, i) => x - 0.1 * (U[i] ?? 0));
        continue;
      }
      v = v.map((x, i) => 0.8 * x + 0.2 * ((given.secondMomentOf === 'direction' ? U : g)[i] ?? 0) ** 2);
      const t = call - 1;
      const rate = given.correctBias ? (0.1 * Math.sqrt(1 - 0.8 ** t)) / (1 - 0.9 ** t) : 0.1;
      p = p.map((x, i) => {
        const root = Math.sqrt(v[i] ?? 0);
        return x - (rate * (U[i] ?? 0)) / (given.denominator === 'max' ? Math.max(root, 0.5) : root + 0.5);
      });
    }
    return p;
  }

  it.each([
    [{ firstCall: 'raw' }],
    [{ firstCall: 'raw', correctBias: true, nesterov: true }],
    [{ nesterov: true }],
    [{ secondMomentOf: 'direction' }],
    [{ denominator: 'max' }],
    [{ firstCall: 'raw', nesterov: true, secondMomentOf: 'direction', denominator: 'max' }],
  ] as const)('%j', (given) => {
    const optimizer = make({ ...options, ...given }, { w: [2, 3] });
    for (let call = 1; call <= 5; call++) optimizer.step({ w: gradientAt(call, 6) });
    expectClose(values(optimizer.parameters['w']), byHand(given, 5));
  });

  it('keeps the 4-norm of the momentum, if asked for', () => {
    const length = (x: readonly number[]): number => {
      const G = product(rows(x, 3), T(rows(x, 3)));
      return Math.sqrt(Math.hypot(...G.flat()));
    };
    const optimizer = make({ ...options, rescale: 'schatten4', initialBasis: 'eigh', preconditionFrequency: 1 }, { w: [2, 3] });
    let m = Array<number>(6).fill(0);
    for (let call = 1; call <= 5; call++) {
      const before = values(optimizer.parameters['w']);
      const g = gradientAt(call, 6);
      optimizer.step({ w: g });
      if (call === 1) continue;
      m = m.map((x, i) => 0.9 * x + 0.1 * (g[i] ?? 0));
      expect(length(values(optimizer.parameters['w']).map((x, i) => (x - (before[i] ?? 0)) / 0.1))).toBeCloseTo(length(m), 9);
    }
  });

  it('the first, raw one is not normalised, later ones are', () => {
    const optimizer = make({ ...options, firstCall: 'raw', normalizeGradient: true }, { w: [2, 3] });
    const moves = [1, 2].map((call) => {
      const before = values(optimizer.parameters['w']);
      optimizer.step({ w: gradientAt(call, 6) });
      return Math.hypot(...values(optimizer.parameters['w']).map((x, i) => x - (before[i] ?? 0)));
    });
    expect(moves[0]).toBeCloseTo(0.1 * 0.1 * Math.hypot(...gradientAt(1, 6)), 12);
    expect(moves[1]).toBeCloseTo(0.1 * Math.sqrt(6), 12);
  });

  it('the momentum of the first, raw call goes on in the basis that call makes', () => {
    const optimizer = make({ ...options, firstCall: 'raw', initialBasis: 'eigh' }, { w: [3, 3] });
    optimizer.step({ w: gradientAt(1, 9) });
    const [Q, P, m] = ['soap.Q0:w', 'soap.Q1:w', 'soap/adam.m:w'].map((key) => rows(values(optimizer.state[key]), 3));
    expectClose(
      product(product(Q ?? [], m ?? []), T(P ?? [])).flat(),
      gradientAt(1, 9).map((x) => 0.1 * x),
    );
  });

  it('can have another stage behind it', () => {
    const limited = soap(everyStep).mapDirection((direction) => chain(direction, clipValue({ maxValue: 1e-3 })));
    const optimizer = createOptimizer({
      transform: limited,
      parameters: { w: { shape: [2, 2], data: [0, 0, 0, 0] } },
      backend: reference(),
    });
    optimizer.step({ w: [1, -1, 1, 1] });
    expectClose(
      values(optimizer.parameters.w),
      [-1, 1, -1, -1].map((x) => x * 0.0375e-3),
    );
  });
});

describe('the basis', () => {
  const diagonal = (...d: number[]): number[] => d.flatMap((x, i) => d.map((_, j) => (i === j ? x : 0)));

  it.each([
    ['both', [2, 3], ['Q0', 'Q1']],
    ['left', [2, 3], ['Q0']],
    ['right', [2, 3], ['Q1']],
    ['shorter', [2, 3], ['Q0']],
    ['shorter', [3, 2], ['Q1']],
    ['shorter', [3, 3], ['Q0']],
    ['shorter', [3, 2, 2], ['Q0', 'Q1', 'Q2']],
  ] as const)('has sides %s of %j: %j', (sides, shape, expected) => {
    const { state } = make({ sides }, { w: shape });
    expect(['Q0', 'Q1', 'Q2'].filter((Q) => state[`soap.${Q}:w`] !== undefined)).toEqual(expected);
  });

  it('sorts its columns when another direction has become the largest, or keeps them in their slots', () => {
    const columns = (sortOnRefresh: boolean): number[] => {
      const optimizer = make({ sortOnRefresh, preconditionFrequency: 1, shampooBeta: 0.5 }, { w: [2, 2] });
      for (const g of [diagonal(3, 1), diagonal(1, 9), diagonal(1, 9)]) optimizer.step({ w: g });
      return values(optimizer.state['soap.Q0:w']).map(Math.abs);
    };
    expectClose(columns(true), [0, 1, 1, 0]);
    expectClose(columns(false), [1, 0, 0, 1]);
  });

  it('carries second moments and eigenvalues along when columns are sorted', () => {
    const optimizer = make({ ...klSoap, sortOnRefresh: true, preconditionFrequency: 1, eigenvalueFloor: null }, { w: [2, 2] });
    for (const g of [diagonal(3, 1), diagonal(1, 9), diagonal(1, 9), diagonal(1, 9)]) optimizer.step({ w: g });
    const [e, v] = [values(optimizer.state['soap.e0:w']), values(optimizer.state['soap/adam.v:w'])];
    expect(e[0]).toBeGreaterThan(e[1] ?? Number.NaN);
    expect(v[0]).toBeGreaterThan(v[3] ?? Number.NaN);
  });

  it('is left alone while it still diagonalises the covariance', () => {
    const after = (refreshTolerance: number | null): string[] => {
      const optimizer = make({ refreshTolerance, preconditionFrequency: 1 }, { w: [3, 3] });
      return [diagonal(3, 2, 1), [3, 0.1, 0, 0.1, 2, 0.05, 0, 0.05, 1], [3, 0.1, 0, 0.1, 2, 0.05, 0, 0.05, 1]].map((w) => {
        optimizer.step({ w });
        return String(values(optimizer.state['soap.Q0:w']));
      });
    };
    const [first, second] = after(0.3);
    expect(second).toBe(first);
    const [before, turned] = after(null);
    expect(turned).not.toBe(before);
    expect(after(1e-9)).toEqual(after(null));
  });
});
