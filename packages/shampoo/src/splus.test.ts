import { describe, expect, it } from 'vitest';
import { type SplusOptions, splus } from './splus.ts';
import { make, moves, numbers, product, rotation, transposed, values } from './testing/runs.ts';

const expectClose = (received: readonly number[] | undefined, expected: readonly number[], digits = 12): void => {
  expect(received?.length).toBe(expected.length);
  for (const [i, x] of expected.entries()) expect(received?.[i]).toBeCloseTo(x, digits);
};
const plain: SplusOptions = { learningRate: 1, weightDecay: 0 };

describe('a step', () => {
  it('is the sign of the momentum at first, 2/(m + n) long in every entry of a matrix, nonstandardScale elsewhere', () => {
    const g = numbers(1, 6);
    expectClose(
      moves(splus(plain), [2, 3], [g])[0],
      g.map((x) => -Math.sign(x) * 0.4),
    );
    expectClose(
      moves(splus({ ...plain, nonstandardScale: 0.5 }), [6], [g])[0],
      g.map((x) => -Math.sign(x) * 0.5),
    );
    expectClose(
      moves(splus({ ...plain, nonstandardScale: 0.5 }), [1, 2, 3], [g])[0],
      g.map((x) => -Math.sign(x) * 0.5),
    );
    expectClose(
      moves(splus({ ...plain, nonstandardScale: 0.5, maxDim: 2 }), [2, 3], [g])[0],
      g.map((x) => -Math.sign(x) * 0.5),
    );
    // As long as maxDim: no basis, but the rate of matrices.
    expectClose(
      moves(splus({ ...plain, maxDim: 3 }), [2, 3], [g])[0],
      g.map((x) => -Math.sign(x) * 0.4),
    );
  });

  it('later is the sign in the eigenbases of the factors: of a symmetric positive matrix along itself, the identity', () => {
    // Q diag(3, 1) Qᵀ twice: both factors have the eigenvectors Q, in which the momentum is diagonal.
    const Q = rotation(0.6);
    const G = product(product(Q, [3, 0, 0, 1], 2), transposed(Q, 2), 2);
    const received = moves(splus(plain), [2, 2], [G, G]);
    expectClose(
      received[0],
      G.map((x) => -Math.sign(x) * 0.5),
    );
    expectClose(received[1], [-0.5, 0, 0, -0.5]);
  });

  it('of entries within signTolerance of nothing, nothing: rounding decides over no step', () => {
    const Q = rotation(0.6);
    const G = product(product(Q, [3, 0, 0, 1e-4], 2), transposed(Q, 2), 2);
    const along = (i: 0 | 1): number[] => product([Q[i] ?? 0, Q[2 + i] ?? 0], [Q[i] ?? 0, Q[2 + i] ?? 0], 1);
    const [, kept] = moves(splus({ ...plain, signTolerance: 1e-5 }), [2, 2], [G, G]);
    expectClose(kept, [-0.5, 0, 0, -0.5], 9);
    const [, dropped] = moves(splus({ ...plain, signTolerance: 1e-3 }), [2, 2], [G, G]);
    expectClose(
      dropped,
      along(0).map((x) => -0.5 * x),
      9,
    );
  });

  it('turns with the gradients once there are bases', () => {
    const [U, V] = [rotation(0.4), rotation(-1.1)];
    const turned = (g: readonly number[]): number[] => product(product(U, g, 2), transposed(V, 2), 2);
    const gradients = [1, 2, 3, 4, 5].map((seed) => numbers(seed, 4));
    const options: SplusOptions = { ...plain, inverseEvery: 2, beta2: 0.9 };
    const [one, other] = [moves(splus(options), [2, 2], gradients), moves(splus(options), [2, 2], gradients.map(turned))];
    for (const [t, moved] of one.entries()) if (t > 0) expectClose(other[t], turned(moved), 9);
  });
});

describe('bases', () => {
  it('are made at the end of steps 1, f, 2f, …', () => {
    const optimizer = make(splus({ ...plain, inverseEvery: 3 }), { w: [2, 3] });
    const changes: number[] = [];
    let before = '';
    for (let t = 1; t <= 9; t++) {
      optimizer.step({ w: numbers(t, 6) });
      const now = String(values(optimizer.state['splus.Q0:w']));
      if (now !== before) changes.push(t);
      before = now;
    }
    expect(changes).toEqual([1, 3, 6, 9]);
  });

  it('carry the momentum: in the old coordinates it goes on as the average it is', () => {
    const optimizer = make(splus({ ...plain, beta1: 0.5, inverseEvery: 1 }), { w: [2, 2] });
    let M = [0, 0, 0, 0];
    for (let t = 1; t <= 4; t++) {
      const g = numbers(t, 4);
      M = M.map((x, i) => 0.5 * x + 0.5 * (g[i] ?? 0));
      optimizer.step({ w: g });
      const [Q, P, m] = ['splus.Q0:w', 'splus.Q1:w', 'splus/momentum.m:w'].map((key) => values(optimizer.state[key]));
      expectClose(product(product(Q ?? [], m ?? [], 2), transposed(P ?? [], 2), 2), M);
    }
  });
});

describe('the average of the weights', () => {
  it('sees them after the step and before their decay, and is what the model is judged with and finalize leaves, without the bias of its start', () => {
    const optimizer = make(splus({ learningRate: 0.5, weightDecay: 0.1, emaRate: 0.8, nonstandardScale: 0.2 }), { w: [3] });
    let [a, w] = [[0, 0, 0], values(optimizer.parameters['w'])];
    for (let t = 1; t <= 5; t++) {
      optimizer.step({ w: [1, -1, 1] });
      const moved = w.map((x, i) => x - 0.1 * ([1, -1, 1][i] ?? 0));
      a = a.map((x, i) => 0.8 * x + 0.2 * (moved[i] ?? 0));
      w = moved.map((x) => x * (1 - 0.1 * 0.1));
      expectClose(values(optimizer.parameters['w']), w);
      expectClose(
        values(optimizer.evaluation['w']),
        a.map((x) => x / (1 - 0.8 ** t)),
      );
    }
    optimizer.finalize();
    expectClose(
      values(optimizer.parameters['w']),
      a.map((x) => x / (1 - 0.8 ** 5)),
    );
  });

  it('without a step, finalize leaves the weights as they are', () => {
    const optimizer = make(splus(), { w: [3] });
    expect(values(optimizer.evaluation['w'])).toEqual(numbers(0, 3));
    optimizer.finalize();
    expect(values(optimizer.parameters['w'])).toEqual(numbers(0, 3));
  });
});
