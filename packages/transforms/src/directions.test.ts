import { reference } from '@opt/backend-reference';
import { chain, createOptimizer, perTensor, rule } from '@opt/core';
import { describe, expect, it } from 'vitest';
import {
  adam,
  cautious,
  clipGlobalNorm,
  clipNorm,
  clipValue,
  copyGradientSign,
  ema,
  l2,
  lion,
  momentum,
  nanToZero,
  normalize,
  normalizeRms,
  rmsprop,
  sign,
  unscale,
} from './index.ts';
import { byHand, expectClose, gradients, updates } from './testing/runs.ts';

const [b1, b2, epsilon] = [0.8, 0.95, 1e-3];
const moments = (): { m: number; v: number; x: number } => ({ m: 0, v: 0, x: 0 });

/** m and v after gradient g. */
function advance(state: { m: number; v: number }, g: number): void {
  state.m = b1 * state.m + (1 - b1) * g;
  state.v = b2 * state.v + (1 - b2) * g * g;
}

describe('adam', () => {
  it('corrects the moments', () => {
    expectClose(
      updates(adam({ beta1: b1, beta2: b2, epsilon })),
      byHand(moments, (g, s, t) => {
        advance(s, g);
        return s.m / (1 - b1 ** t) / (Math.sqrt(s.v / (1 - b2 ** t)) + epsilon);
      }),
    );
  });

  it('without correction', () => {
    expectClose(
      updates(adam({ beta1: b1, beta2: b2, epsilon, correctBias: 'none' })),
      byHand(moments, (g, s) => {
        advance(s, g);
        return s.m / (Math.sqrt(s.v) + epsilon);
      }),
    );
  });

  it('AMSGrad keeps the largest v, or forgets it slowly', () => {
    for (const a of [1, 0.9]) {
      expectClose(
        updates(adam({ beta1: b1, beta2: b2, epsilon, amsgradBeta: a })),
        byHand(moments, (g, s, t) => {
          advance(s, g);
          s.x = Math.max(a * s.x, s.v);
          return s.m / (1 - b1 ** t) / (Math.sqrt(s.x / (1 - b2 ** t)) + epsilon);
        }),
      );
    }
  });

  it('bias correction is exact where β is next to 1', () => {
    // 1 − βᵗ by subtraction would keep four digits here.
    const beta = 1 - 1e-12;
    expectClose(updates(adam({ beta1: beta, beta2: 0, epsilon: 1e-30 }), [[2]]), [[1]], 1e-4);
    expectClose(updates(ema({ beta, correctBias: true }), [[2], [2], [2]]), [[2], [2], [2]], 1e-4);
  });
});

describe('momentum and averages', () => {
  it('momentum begins with the gradient itself', () => {
    const state = (): { b: number } => ({ b: 0 });
    const step = (mu: number, damping: number, nesterov: boolean) => (g: number, s: { b: number }, t: number) => {
      s.b = t === 1 ? g : mu * s.b + (1 - damping) * g;
      return nesterov ? g + mu * s.b : s.b;
    };
    expectClose(updates(momentum({ momentum: 0.7 })), byHand(state, step(0.7, 0, false)));
    expectClose(updates(momentum({ momentum: 0.7, dampening: 0.4 })), byHand(state, step(0.7, 0.4, false)));
    expectClose(updates(momentum({ momentum: 0.7, nesterov: true })), byHand(state, step(0.7, 0, true)));
  });

  it('ema, ahead of itself and corrected', () => {
    const step = (nesterov: boolean, corrected: boolean) => (g: number, s: { m: number }, t: number) => {
      s.m = b1 * s.m + (1 - b1) * g;
      const u = nesterov ? b1 * s.m + (1 - b1) * g : s.m;
      return corrected ? u / (1 - b1 ** t) : u;
    };
    for (const nesterov of [false, true]) {
      for (const correctBias of [false, true])
        expectClose(
          updates(ema({ beta: b1, nesterov, correctBias })),
          byHand(() => ({ m: 0 }), step(nesterov, correctBias)),
        );
    }
  });

  it('lion', () => {
    const step = (careful: boolean) => (g: number, s: { m: number }) => {
      const u = Math.sign(b1 * s.m + (1 - b1) * g);
      s.m = b2 * s.m + (1 - b2) * g;
      return careful && !(u * g > 0) ? 0 : u;
    };
    for (const careful of [false, true])
      expectClose(
        updates(lion({ beta1: b1, beta2: b2, cautious: careful })),
        byHand(() => ({ m: 0 }), step(careful)),
      );
  });

  it('rmsprop, about 0 and about the mean', () => {
    expectClose(
      updates(rmsprop({ beta: b2, epsilon })),
      byHand(moments, (g, s) => {
        s.v = b2 * s.v + (1 - b2) * g * g;
        return g / (Math.sqrt(s.v) + epsilon);
      }),
    );
    expectClose(
      updates(rmsprop({ beta: b2, epsilon, centered: true })),
      byHand(moments, (g, s) => {
        s.v = b2 * s.v + (1 - b2) * g * g;
        s.m = b2 * s.m + (1 - b2) * g;
        return g / (Math.sqrt(Math.max(s.v - s.m * s.m, 0)) + epsilon);
      }),
    );
  });
});

const norm = (x: readonly number[]): number => Math.hypot(...x);

describe('stages without memory', () => {
  it('sign, normalize, normalizeRms, unscale', () => {
    expectClose(
      updates(sign()),
      gradients.map((g) => g.map(Math.sign)),
    );
    expectClose(
      updates(normalize()),
      gradients.map((g) => g.map((x) => x / norm(g))),
    );
    expectClose(
      updates(normalizeRms()),
      gradients.map((g) => g.map((x) => x / (norm(g) / 2))),
    );
    expectClose(
      updates(unscale({ lossScaleFactor: 1024 })),
      gradients.map((g) => g.map((x) => x / 1024)),
    );
  });

  it('zero gradients stay zero', () => {
    for (const stage of [normalize(), normalizeRms(), sign(), clipNorm(), clipGlobalNorm(), adam(), rmsprop(), cautious({ rescale: true })])
      expect(
        updates(stage, [
          [0, 0],
          [0, 0],
        ]),
      ).toEqual([
        [0, 0],
        [0, 0],
      ]);
  });

  it('norms neither overflow nor vanish', () => {
    for (const scale of [1e-200, 1e200]) {
      const [unit = []] = updates(normalize(), [[3 * scale, 4 * scale]]);
      expectClose([unit], [[0.6, 0.8]]);
    }
    expectClose(updates(clipNorm({ maxNorm: 10 }), [[3e200, 4e200]]), [[6, 8]]);
  });

  it('clips: by norm, by value', () => {
    expectClose(
      updates(clipNorm({ maxNorm: 1.2 })),
      gradients.map((g) => g.map((x) => (x * 1.2) / Math.max(norm(g), 1.2))),
    );
    expectClose(
      updates(clipValue({ maxValue: 0.7 })),
      gradients.map((g) => g.map((x) => Math.min(Math.max(x, -0.7), 0.7))),
    );
  });

  it('clipGlobalNorm has one norm for all parameters that have a gradient', () => {
    const assign = perTensor({ name: 'assign', apply: ({ update }) => ({ parameter: update }) });
    const parameters = { a: { shape: [2], data: [0, 0] }, b: { shape: [], data: [0] }, c: { shape: [1], data: [7] } };
    const optimizer = createOptimizer({ transform: rule(clipGlobalNorm({ maxNorm: 1 }), assign), parameters, backend: reference() });
    optimizer.step({ a: [2, 3], b: [6] });
    expectClose([[...optimizer.parameters.a, ...optimizer.parameters.b]], [[2 / 7, 3 / 7, 6 / 7]]);
    expect([...optimizer.parameters.c]).toEqual([7]);
    optimizer.step({ a: [0.1, 0.1], b: [0.1] });
    expect([...optimizer.parameters.a]).toEqual([0.1, 0.1]);
  });

  it('cautious keeps what agrees with the gradient, and may make up for the rest', () => {
    const held = updates(chain(momentum(), cautious()));
    const scaled = updates(chain(momentum(), cautious({ rescale: true })));
    updates(momentum()).forEach((u, t) => {
      const g = gradients[t] ?? [];
      const mask = u.map((x, i) => (x * (g[i] ?? 0) > 0 ? 1 : 0));
      const share = Math.max(mask.reduce((sum: number, x) => sum + x, 0) / mask.length, 1e-3);
      expectClose([held[t] ?? []], [u.map((x, i) => x * (mask[i] ?? 0))]);
      expectClose([scaled[t] ?? []], [u.map((x, i) => (x * (mask[i] ?? 0)) / share)]);
    });
    expect(held.flat().filter((x) => x === 0).length).toBeGreaterThan(2);
  });

  it('copyGradientSign takes the size of the update and the sign bit of the gradient', () => {
    const u = updates(momentum());
    expectClose(
      updates(chain(momentum(), copyGradientSign())),
      u.map((row, t) => row.map((x, i) => ((gradients[t]?.[i] ?? 0) < 0 ? -Math.abs(x) : Math.abs(x)))),
    );
  });

  it('nanToZero', () => {
    expect(updates(nanToZero(), [[Number.NaN, Infinity, -Infinity, 1.5]])).toEqual([[0, 0, 0, 1.5]]);
  });

  it('l2 adds the parameter', () => {
    const [first = []] = updates(l2({ weightDecay: 0.1 }), [gradients[0] ?? []]);
    expectClose([first], [(gradients[0] ?? []).map((g, i) => g + 0.1 * ([0.5, -1, 2, 0][i] ?? 0))]);
  });
});
