import { reference } from '@opt/backend-reference';
import { chain, createOptimizer, explain, type Shape } from '@opt/core';
import { decay, descend, ema } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { firstOf, quintic, safePolarExpress } from './coefficients.ts';
import { expm } from './expm.ts';
import { determinant, exactPolar, muon, newtonSchulz, type PolarOptions, polarRetraction, type Triple } from './index.ts';
import { apply, distance, type Precision, product, random, rotation, run, singularValues, step, transposed, walk } from './testing/kit.ts';

const epsilonOf = (precision: Precision): number => (precision === 'f64' ? 2 ** -52 : 2 ** -23);

/** A matrix of Frobenius norm 1 whose singular values fall geometrically to `least`. */
function graded(shape: Shape, least: number): number[] {
  const [m = 1, n = 1] = shape;
  const p = Math.min(m, n);
  const s = Array.from({ length: p }, (_, i) => least ** (i / (p - 1)));
  const scale = 1 / Math.sqrt(s.reduce((sum, x) => sum + x * x, 0));
  const middle = new Float64Array(m * n);
  s.forEach((x, i) => {
    middle[i * n + i] = x * scale;
  });
  return Array.from(product(product(rotation(5, m), middle, m, m, n), rotation(6, n), m, n, n));
}

/** The singular values of what `orthogonalization` makes of a gradient: Muon's update without momentum and scale. */
function updateOf(gradient: readonly number[], shape: Shape, polar: PolarOptions, precision: Precision): number[] {
  const rule = muon({ ...polar, learningRate: 1, momentum: 0, scale: 'none', epsilon: 0 });
  return singularValues(step(rule, shape, new Float64Array(gradient.length), gradient, precision), shape);
}

const shapes: Shape[] = [
  [12, 12],
  [16, 6],
  [6, 16],
  [64, 100],
  [100, 64],
];

describe.each<Precision>(['f64', 'f32'])('the polar factor in %s', (precision) => {
  it.each(shapes)('of the quintic lies in [0.68, 1.13] from 1e-2 of the norm on, shape [%i, %i]', (...shape) => {
    const p = Math.min(...shape);
    const values = updateOf(graded(shape, 1e-2 * Math.sqrt(p)), shape, {}, precision);
    // What its five steps make of [0.01, 1], in four decimals.
    expect(values[0]).toBeGreaterThan(0.6818);
    expect(values.at(-1)).toBeLessThan(1.1344);
  });

  it.each(shapes)('of converged Polar Express is within 1e-3 of 1 from 1e-3 of the norm on, shape [%i, %i]', (...shape) => {
    const values = updateOf(graded(shape, 1e-3 * Math.sqrt(Math.min(...shape))), shape, { orthogonalization: 'polar-express' }, precision);
    for (const value of values) expect(Math.abs(value - 1)).toBeLessThan(1e-3);
  });

  it.each(shapes.slice(0, 3))('is exact within 1e-3 whatever the gradient, shape [%i, %i]', (...shape) => {
    const values = updateOf(graded(shape, 1e-3), shape, { orthogonalization: 'svd', rankTolerance: 1e-6 }, precision);
    for (const value of values) expect(Math.abs(value - 1)).toBeLessThan(1e-3);
  });

  it.each(['svd', 'newton-schulz', 'polar-express', 'cubic', 'schedule'] as const)(
    'of zero is zero, of a small or large gradient finite: %s',
    (orthogonalization) => {
      const rule = muon({ orthogonalization, learningRate: 1, momentum: 0 });
      const [shape, start] = [[4, 6], new Float64Array(24)];
      expect(Array.from(step(rule, shape, start, start, precision))).toEqual(Array.from(start));
      for (const size of [1e-25, 1e25]) {
        const moved = step(
          rule,
          shape,
          start,
          random(7, shape).map((x) => x * size),
          precision,
        );
        expect(moved.every(Number.isFinite)).toBe(true);
      }
    },
  );

  it.each(['svd', 'newton-schulz', 'polar-express'] as const)('of a gradient of rank 2 has rank 2: %s', (orthogonalization) => {
    const gradient = product(random(8, [6, 2]), random(9, [2, 8]), 6, 2, 8);
    const values = updateOf(Array.from(gradient), [6, 8], { orthogonalization }, precision);
    expect(values.filter((value) => value > 0.6)).toHaveLength(2);
    expect(values[3]).toBeLessThan(1e-2);
  });

  it('commutes with transposition', () => {
    const g = random(10, [5, 9]);
    const polar = (data: ArrayLike<number>, shape: Shape): number[] =>
      apply(data, shape, (x) => exactPolar(x, epsilonOf(precision)), precision);
    expect(distance(transposed(polar(g, [5, 9]), 5, 9), polar(transposed(g, 5, 9), [9, 5]))).toBeLessThan(
      precision === 'f64' ? 1e-13 : 1e-6,
    );
  });
});

describe('building blocks', () => {
  it('the Gram route gives what the direct route gives', () => {
    const [shape, triples]: [Shape, Triple[]] = [[64, 100], firstOf([quintic], 5)];
    const g = random(11, shape);
    const [direct, gram] = (['direct', 'auto'] as const).map((route) => apply(g, shape, (x) => newtonSchulz(x, { triples, route })));
    expect(distance(direct ?? [], gram ?? [])).toBeLessThan(1e-12);
  });

  it('newtonSchulz of a batch is that of each matrix', () => {
    const g = random(12, [3, 4, 5]);
    const steps = { triples: safePolarExpress(8, 1.01), safety: 1.01 };
    const batch = apply(g, [3, 4, 5], (x) => newtonSchulz(x, steps));
    for (let i = 0; i < 3; i++) {
      const one = apply(g.subarray(i * 20, (i + 1) * 20), [4, 5], (x) => newtonSchulz(x, steps));
      expect(distance(batch.slice(i * 20, (i + 1) * 20), one)).toBeLessThan(1e-14);
    }
  });

  it.each([0.001, 0.3, 0.9, 5])('polarRetraction finds the nearest orthonormal matrix after a step of %f', (length) => {
    const shape = [8, 4];
    const start = apply(random(13, shape), shape, (x) => x.orthonormalize('complete'));
    const moved = Array.from(random(14, shape), (x, i) => (start[i] ?? 0) + (length * x) / 3);
    const [near, exact] = [apply(moved, shape, (x) => polarRetraction(x, 2 ** -52)), apply(moved, shape, (x) => exactPolar(x, 2 ** -52))];
    expect(distance(near, exact)).toBeLessThan(1e-12);
  });

  it('expm of a rotation generator is the rotation, of a diagonal matrix its exponentials', () => {
    for (const angle of [1e-3, 0.2, 3, 40]) {
      const turn = apply([0, -angle, angle, 0], [2, 2], (v) => expm(v, 2 ** -52));
      expect(distance(turn, [Math.cos(angle), -Math.sin(angle), Math.sin(angle), Math.cos(angle)])).toBeLessThan(1e-12);
    }
    const diagonal = apply([2, 0, 0, -3], [2, 2], (v) => expm(v, 2 ** -52));
    expect(distance(diagonal, [Math.exp(2), 0, 0, Math.exp(-3)])).toBeLessThan(1e-13);
    expect(apply([0, 0, 0, 0], [2, 2], (v) => expm(v, 2 ** -52))).toEqual([1, 0, 0, 1]);
  });

  it.each([
    [[2, 0, 0, 0, 0, 3, 0, 5, 0], -30],
    [[1, 2, 3, 4, 5, 6, 7, 8, 10], -3],
    [[0, 1, 0, 0, 0, 1, 1, 0, 0], 1],
  ])('determinant of %j is %f', (data, expected) => {
    const { log, sign } = run({ w: { shape: [3, 3], data } }, ({ w }) => (w === undefined ? {} : { ...determinant(w) }));
    expect((sign?.[0] ?? 0) * Math.exp(log?.[0] ?? 0)).toBeCloseTo(expected, 10);
  });
});

describe('Muon', () => {
  it('with the identity for its polar factor is SGD with momentum', () => {
    const [shape, learningRate] = [[4, 3], 0.05];
    const gradients = [15, 16, 17].map((seed) => random(seed, shape));
    const start = random(18, shape);
    const plain = muon({ orthogonalization: (m) => m, learningRate, scale: 'none', weightDecay: 0.1 });
    const momentum = chain(ema({ beta: 0.95, nesterov: true }), decay({ learningRate, weightDecay: 0.1 }), descend({ learningRate }));
    expect(walk(plain, shape, start, gradients)).toEqual(walk(momentum, shape, start, gradients));
  });

  it('of blocks is Muon of each block', () => {
    const [g, start] = [random(19, [6, 4]), new Float64Array(24)];
    const whole = step(muon({ blocks: 3 }), [6, 4], start, g);
    for (let i = 0; i < 3; i++) {
      const part = step(muon(), [2, 4], new Float64Array(8), g.subarray(8 * i, 8 * i + 8));
      expect(distance(whole.subarray(8 * i, 8 * i + 8), part)).toBeLessThan(1e-15);
    }
    const columns = step(muon({ blocks: 3, axis: 'columns' }), [4, 6], start, transposed(g, 6, 4));
    const scaled = step(muon({ blocks: 3, layout: 'in-out', axis: 'columns' }), [4, 6], start, transposed(g, 6, 4));
    expect(distance(scaled, transposed(whole, 6, 4))).toBeLessThan(1e-15);
    // Two outputs to four inputs: the factor is 1 one way and √2 the other.
    expect(
      distance(
        columns,
        scaled.map((x) => x * Math.SQRT2),
      ),
    ).toBeLessThan(1e-15);
  });

  it('sees a kernel [out, in, k] as [out, in·k], and [k, in, out] as its transpose', () => {
    const g = random(20, [6, 2, 2]);
    const flat = step(muon(), [6, 4], new Float64Array(24), g);
    expect(distance(step(muon(), [6, 2, 2], new Float64Array(24), g), flat)).toBe(0);
    const turned = step(muon({ layout: 'in-out' }), [2, 2, 6], new Float64Array(24), transposed(g, 6, 4));
    expect(distance(turned, transposed(flat, 6, 4))).toBeLessThan(1e-15);
  });

  it('decays cautiously only where the update shrinks an entry', () => {
    const [shape, start, g] = [[3, 3], random(21, [3, 3]), random(22, [3, 3])];
    const [still, cautious] = [0, 0.5].map((weightDecay) =>
      step(muon({ weightDecay, decayMode: 'cautious', learningRate: 0.1 }), shape, start, g),
    );
    start.forEach((w, i) => {
      const [without = 0, decayed = 0] = [still?.[i], cautious?.[i]];
      const shrinks = (w - without) * w >= 0;
      expect(decayed - without).toBeCloseTo(shrinks ? -0.05 * w : 0, 14);
    });
  });

  const plainCount = (m: number, n: number): number => {
    const [p, q] = [Math.min(m, n), Math.max(m, n)];
    return 5 * (4 * p * p * q + 2 * p ** 3);
  };
  const flopsOf = (m: number, n: number): number => {
    const { programs } = explain(muon(), { w: [m, n] }, 1);
    return programs.reduce((sum, { flops }) => sum + flops, 0);
  };

  it('needs at most 0.7 of the plain count of products on square matrices, less on wide ones', () => {
    for (const n of [128, 256, 1024]) expect(flopsOf(n, n) / plainCount(n, n)).toBeLessThan(0.7);
    expect(flopsOf(256, 784) / plainCount(256, 784)).toBeLessThan(0.5);
    expect(flopsOf(4096, 1024) / plainCount(4096, 1024)).toBeLessThan(0.5);
  });

  it('resumes bit for bit', () => {
    const gradients = [23, 24, 25, 26].map((seed) => ({ w: random(seed, [4, 3]), b: random(seed, [5]) }));
    const parameters = { w: { shape: [4, 3], data: random(27, [4, 3]) }, b: { shape: [5], data: random(28, [5]) } };
    const make = () => createOptimizer({ transform: muon(), parameters, backend: reference({ precision: 'f32' }) });
    const through = make();
    for (const gradient of gradients) through.step(gradient);
    const half = make();
    for (const gradient of gradients.slice(0, 2)) half.step(gradient);
    const resumed = make();
    resumed.load(half.save());
    for (const gradient of gradients.slice(2)) resumed.step(gradient);
    expect(resumed.parameters.w).toEqual(through.parameters.w);
    expect(resumed.parameters.b).toEqual(through.parameters.b);
  });

  it('is unchanged by the length of gradients with epsilon 0, and equivariant under rotations', () => {
    const [shape, start] = [[4, 6], random(29, [4, 6])];
    const gradients = [30, 31, 32].map((seed) => random(seed, shape));
    const rule = muon({ epsilon: 0, orthogonalization: 'polar-express' });
    const path = walk(rule, shape, start, gradients).at(-1) ?? [];
    for (const size of [1e-4, 1e4]) {
      const scaled = gradients.map((g) => g.map((x) => x * size));
      expect(distance(walk(rule, shape, start, scaled).at(-1) ?? [], path)).toBeLessThan(1e-12);
    }
    const [left, right] = [rotation(33, 4), rotation(34, 6)];
    const turned = (x: ArrayLike<number>): Float64Array => product(product(left, x, 4, 4, 6), right, 4, 6, 6);
    expect(distance(walk(rule, shape, turned(start), gradients.map(turned)).at(-1) ?? [], turned(path))).toBeLessThan(1e-12);
  });
});
