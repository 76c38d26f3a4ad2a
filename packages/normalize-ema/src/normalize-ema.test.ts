import { reference } from '@opt/backend-reference';
import { createOptimizer, perTensor, rule, type Transform } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { type NormalizeEmaOptions, normalizeByEma, normalizeEma } from './normalize-ema.ts';

/** Updates that grow, shrink, turn and vanish. */
const series: readonly (readonly number[])[] = [
  [1, 2, -2],
  [0.1, 0, 0.2],
  [5, -5, 5],
  [0, 0, 0],
  [1e-9, 0, 0],
  [-3, 4, 0],
  [1, 1, 1],
];

const assign = perTensor({ name: 'assign', apply: ({ update }) => ({ parameter: update }) });

/** What comes out for what goes in, for one tensor of the given length. */
function rescaled(options: NormalizeEmaOptions, given = series): number[][] {
  const [first = []] = given;
  const optimizer = createOptimizer({
    transform: rule(normalizeByEma(options), assign),
    parameters: { u: { shape: [first.length], data: first.map(() => 9) } },
    backend: reference(),
  });
  return given.map((u) => {
    optimizer.step({ u });
    return [...optimizer.parameters.u];
  });
}

/** The equations of the specification, word for word. */
function byHand(
  { emaBeta = 0.99, maxEmaGrowth = 1.1, normOrder = 2, normEpsilon = 1e-6, minNorm = 1e-6, clipOnly = false }: Plain,
  given = series,
): number[][] {
  const norm = (x: readonly number[]): number =>
    normOrder === Infinity ? Math.max(...x.map(Math.abs)) : x.reduce((sum, v) => sum + Math.abs(v) ** normOrder, 0) ** (1 / normOrder);
  let e = (given[0] ?? []).map(() => 0);
  let previous: number | undefined;
  return given.map((u) => {
    if (previous === undefined && norm(u) === 0) return [...u];
    e = e.map((x, i) => emaBeta * x + (1 - emaBeta) * (u[i] ?? 0));
    let n = norm(e);
    if (maxEmaGrowth !== null) {
      const cap = Math.max(maxEmaGrowth * (previous ?? n), minNorm);
      const c = Math.max(1, n / cap);
      e = e.map((x) => x / c);
      n /= c;
    }
    previous = n;
    const rho = norm(u) / Math.max(n, normEpsilon);
    return u.map((x) => x / Math.max(rho, clipOnly ? 1 : normEpsilon));
  });
}

interface Plain {
  readonly emaBeta?: number;
  readonly maxEmaGrowth?: number | null;
  readonly normOrder?: number;
  readonly normEpsilon?: number;
  readonly minNorm?: number;
  readonly clipOnly?: boolean;
}

function expectClose(actual: readonly (readonly number[])[], expected: readonly (readonly number[])[]): void {
  actual.forEach((row, t) => {
    row.forEach((x, i) => {
      const y = expected[t]?.[i] ?? Number.NaN;
      if (!(Math.abs(x - y) <= 1e-12 * Math.max(1e-6, Math.abs(y)))) expect.fail(`step ${t + 1}, entry ${i}: ${x}, by hand ${y}`);
    });
  });
}

const length = (x: readonly number[]): number => Math.hypot(...x);

describe('normalizeByEma', () => {
  it.each<[string, Plain]>([
    ['by default', {}],
    ['without limit of growth', { maxEmaGrowth: null }],
    ['hardly any growth', { maxEmaGrowth: 1.001 }],
    ['a short memory', { emaBeta: 0.3 }],
    ['no memory', { emaBeta: 0 }],
    ['only clipping', { clipOnly: true, emaBeta: 0.5 }],
    ['sums of absolute values', { normOrder: 1, emaBeta: 0.5 }],
    ['largest entries', { normOrder: Infinity, emaBeta: 0.5 }],
    ['another norm', { normOrder: 3.5, emaBeta: 0.5 }],
    ['coarse epsilons', { normEpsilon: 0.1, minNorm: 0.5, emaBeta: 0.5 }],
  ])('is the equations: %s', (_, options) => {
    expectClose(rescaled(options), byHand(options));
  });

  it('starts at (1−β) of the first update: a warm-up', () => {
    const steady = Array.from({ length: 300 }, () => [3, 4]);
    const lengths = rescaled({}, steady).map((u) => length(u) / 5);
    expect(lengths[0]).toBeCloseTo(0.01, 12);
    // 10, 50 and 90 % of the update, where the specification says.
    expect([0.1, 0.5, 0.9].map((share) => lengths.findIndex((x) => x >= share) + 1)).toEqual([26, 84, 244]);
  });

  it('the norm of the average grows by at most γ a step', () => {
    const growing = Array.from({ length: 60 }, (_, t) => [10 ** (t / 10), 1]);
    const lengths = rescaled({ maxEmaGrowth: 1.1 }, growing).map(length);
    lengths.slice(1).forEach((x, t) => {
      expect(x / (lengths[t] ?? 1)).toBeLessThanOrEqual(1.1 + 1e-12);
    });
  });

  it('sleeps while every update has been zero: the first that is not counts as the first', () => {
    const tail = series.slice(0, 3);
    expectClose(rescaled({}, [[0, 0, 0], [0, 0, 0], ...tail]).slice(2), rescaled({}, tail));
    expect(rescaled({}, [[0, 0, 0], ...tail])[0]).toEqual([0, 0, 0]);
  });

  it('clipOnly never lengthens; otherwise every update has the norm of the average', () => {
    rescaled({ clipOnly: true, emaBeta: 0.5 }).forEach((u, t) => {
      expect(length(u)).toBeLessThanOrEqual(length(series[t] ?? []) + 1e-15);
    });
    const shrinking = [
      [100, 0],
      [1, 0],
      [1, 0],
    ];
    expect(rescaled({ emaBeta: 0.5 }, shrinking)[1]?.[0]).toBeGreaterThan(1);
  });

  it('norms neither overflow nor vanish', () => {
    for (const scale of [1e-180, 1e180]) {
      const [first = []] = rescaled({ emaBeta: 0.5, normEpsilon: 1e-300, minNorm: 1e-300 }, [[3 * scale, 4 * scale]]);
      expect(first[0]).toBeCloseTo(1.5 * scale, -Math.floor(Math.log10(scale)) + 12);
      expect((first[0] ?? 0) / scale).toBeCloseTo(1.5, 10);
    }
  });

  it('a scalar becomes ± the norm of its average', () => {
    expectClose(rescaled({ emaBeta: 0.5 }, [[2], [-1], [4]]), byHand({ emaBeta: 0.5 }, [[2], [-1], [4]]));
  });
});

describe('shared norms', () => {
  const parameters = { a: { shape: [2], data: [0, 0] }, b: { shape: [3], data: [0, 0, 0] } };
  const made = (perTensorNorm: boolean) =>
    createOptimizer({
      transform: rule(normalizeByEma({ perTensor: perTensorNorm, emaBeta: 0.5 }), assign),
      parameters,
      backend: reference(),
    });
  const steps = [
    { a: [1, -1], b: [10, 20, -30] },
    { a: [4, 1], b: [0.1, 0, 0.3] },
    { a: [-1, 2], b: [1, 1, 1] },
  ];

  it('one norm over all parameters is that of one long vector', () => {
    const optimizer = made(false);
    const joined = byHand(
      { emaBeta: 0.5 },
      steps.map(({ a, b }) => [...a, ...b]),
    );
    steps.forEach((gradients, t) => {
      optimizer.step(gradients);
      expectClose([[...optimizer.parameters.a, ...optimizer.parameters.b]], [joined[t] ?? []]);
    });
    expect(Object.keys(optimizer.state)).toEqual(['normalize-ema.average:a', 'normalize-ema.average:b', 'normalize-ema.previous:']);
  });

  it('one norm each is every parameter on its own', () => {
    const optimizer = made(true);
    const [a, b] = [
      byHand(
        { emaBeta: 0.5 },
        steps.map((one) => one.a),
      ),
      byHand(
        { emaBeta: 0.5 },
        steps.map((one) => one.b),
      ),
    ];
    steps.forEach((gradients, t) => {
      optimizer.step(gradients);
      expectClose([[...optimizer.parameters.a], [...optimizer.parameters.b]], [a[t] ?? [], b[t] ?? []]);
    });
  });

  it('a parameter without gradient keeps its average', () => {
    const optimizer = made(true);
    optimizer.step({ a: [1, 1], b: [1, 1, 1] });
    const held = [...(optimizer.state['normalize-ema.average:b'] ?? [])];
    optimizer.step({ a: [1, 1] });
    expect([...(optimizer.state['normalize-ema.average:b'] ?? [])]).toEqual(held);
  });
});

describe('normalizeEma', () => {
  const twice = perTensor({ name: 'twice', apply: ({ update }) => ({ update: update.mul(2), gain: update.sum().mul(0).add(3) }) });
  const move = perTensor({ name: 'move', apply: ({ update, parameter, gain }) => ({ parameter: parameter.sub(update.mul(gain ?? 1)) }) });
  const path = (transform: Transform): number[] => {
    const optimizer = createOptimizer({ transform, parameters: { w: { shape: [2], data: [0, 0] } }, backend: reference() });
    optimizer.step({ w: [3, 4] });
    return [...optimizer.parameters.w];
  };

  it('stands between the direction and what comes after it: gains, rates and decay are not rescaled', () => {
    // The direction is [6, 8]; a tenth of it, times the gain of 3.
    expectClose([path(normalizeEma({ base: rule(twice, move), emaBeta: 0.9 }))], [[-1.8, -2.4]]);
  });

  it('another name is another prefix', () => {
    const optimizer = createOptimizer({
      transform: normalizeEma({ base: normalizeEma({ base: rule(twice, move) }), name: 'outer' }),
      parameters: { w: { shape: [2], data: [0, 0] } },
      backend: reference(),
    });
    expect(Object.keys(optimizer.state)).toEqual([
      'normalize-ema.average:w',
      'normalize-ema.previous:w',
      'outer.average:w',
      'outer.previous:w',
    ]);
  });
});
