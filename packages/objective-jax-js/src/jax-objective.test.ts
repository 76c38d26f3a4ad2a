import { defaultDevice, init, numpy as np } from '@jax-js/jax';
import { reference } from '@opt/backend-reference';
import { createOptimizer, displacement, mapValues, OptError, quotient, type Rule, shifted } from '@opt/core';
import { lInv, lre } from '@opt/lre';
import { direct } from '@opt/lre-basis';
import { empiricalFisher, fullHutchinsonHessian, gaussNewton } from '@opt/lre-curvature';
import { clipNorm, extragradient } from '@opt/transforms';
import { beforeAll, describe, expect, it } from 'vitest';
import { type JaxProblem, jaxObjective } from './index.ts';

type Name = 'w1' | 'b1' | 'w2' | 'b2';
type Floats = Readonly<Record<string, ArrayLike<number>>>;

/** tanh MLP 3–5–1, mean squared error of 16 samples. */
const shapes: Record<Name, readonly number[]> = { w1: [5, 3], b1: [5], w2: [1, 5], b2: [1] };
const wave = (n: number, seed: number): Float32Array =>
  Float32Array.from({ length: n }, (_, i) => Math.sin(1.3 * i + 0.7 * i * seed + seed));
const vector = (seed: number): Record<Name, Float32Array> =>
  mapValues(shapes, (shape, name) =>
    wave(
      shape.reduce((a, b) => a * b, 1),
      seed + Object.keys(shapes).indexOf(name),
    ),
  );
const initial = vector(1);
const batch = [
  { data: wave(48, 5), shape: [16, 3] },
  { data: wave(16, 6), shape: [16] },
] as const;

const residual = ({ w1, b1, w2, b2 }: Record<Name, np.Array>, x: np.Array, y: np.Array): np.Array =>
  np
    .tanh(np.matmul(x, np.matrixTranspose(w1)).add(b1))
    .mul(w2.reshape([5]))
    .sum(-1)
    .add(b2.reshape([]))
    .sub(y);
const problem: JaxProblem<Name> = {
  shapes,
  loss: (parameters, x, y) => np.mean(np.square(residual(parameters, x, y))),
  sample: residual,
};

const length = (v: Floats): number => Math.hypot(...Object.values(v).flatMap((part) => Array.from(part)));
const distance = (a: Floats, b: Floats): number =>
  length(mapValues(a, (part, name) => Array.from(part, (x, i) => x - (b[name]?.[i] ?? Number.NaN))));
const arrays = (values: Readonly<Record<string, ArrayLike<number> | null | undefined>>): Floats => mapValues(values, (part) => part ?? []);

beforeAll(async () => {
  // jax-js asks navigator for the number of cores; Node 20 has none.
  if (!('navigator' in globalThis))
    Object.defineProperty(globalThis, 'navigator', { value: { hardwareConcurrency: 2 }, configurable: true });
  await init('wasm');
  defaultDevice('wasm');
});

/** The loss after a number of steps on the whole batch. */
function train(transform: Rule, steps: number): number {
  const parameters = mapValues(shapes, (shape, name) => ({ shape, data: initial[name] }));
  const optimizer = createOptimizer({ transform, parameters, backend: reference({ precision: 'f32' }), seed: 3 });
  const jax = jaxObjective(problem);
  for (let step = 0; step < steps; step++) optimizer.step(jax.at(optimizer.parameters, ...batch));
  const loss = jax.at(optimizer.parameters, ...batch).loss();
  jax.dispose();
  return loss;
}

describe('jaxObjective', () => {
  it.each([7, 8, 9])('gives products that central differences confirm to 1e-3 (probe %i)', (seed) => {
    const jax = jaxObjective(problem);
    const [z, h] = [vector(seed), 0.03];
    const delta = displacement(z, h);
    const at = (sign: 1 | -1): Floats => arrays(jax.at({ ...initial, ...shifted(initial, delta, sign) }, ...batch).gradients());
    const differences = quotient(z, at(1), at(-1), 2 * h);
    expect(distance(arrays(jax.at(initial, ...batch).hvp(z)), differences) / length(differences)).toBeLessThan(1e-3);
    jax.dispose();
  });

  it('answers at other parameters as it does there: losses, gradients, products, and for an optimizer that asks in the middle of a step', () => {
    const jax = jaxObjective(problem);
    const [here, there] = [jax.at(initial, ...batch), jax.at(vector(4), ...batch)];
    expect(here.loss(vector(4))).toBe(there.loss());
    expect(here.loss()).not.toBe(there.loss());
    expect(distance(arrays(here.gradients(vector(4))), arrays(there.gradients()))).toBe(0);
    expect(distance(arrays(here.hvp(vector(5), vector(4))), arrays(there.hvp(vector(5))))).toBe(0);

    const [x, g] = [mapValues(initial, (part) => part.slice()), arrays(here.gradients())];
    const parameters = mapValues(shapes, (shape, name) => ({ shape, data: initial[name] }));
    const optimizer = createOptimizer({ transform: extragradient({ learningRate: 0.1 }), parameters, backend: reference() });
    optimizer.step(jax.at(optimizer.parameters, ...batch));
    const half = mapValues(x, (part, name) => part.map((value, i) => value - 0.1 * (g[name]?.[i] ?? Number.NaN)));
    const ahead = arrays(jax.at(half, ...batch).gradients());
    const expected = mapValues(x, (part, name) => part.map((value, i) => value - 0.1 * (ahead[name]?.[i] ?? Number.NaN)));
    expect(distance(optimizer.parameters, expected)).toBeLessThan(1e-6);
    expect(distance(optimizer.parameters, x)).toBeGreaterThan(1e-3);
    jax.dispose();
  });

  it('gives per-sample gradients that add up to those of the batch', () => {
    const jax = jaxObjective(problem);
    const objective = jax.at(initial, ...batch);
    const { gradients, losses } = objective.perSampleGradients?.() ?? { gradients: {}, losses: [] };
    const residuals = Array.from(losses);
    expect(residuals).toHaveLength(objective.samples ?? 0);
    const sums = mapValues(arrays(gradients), (rows) => {
      const size = rows.length / 16;
      return Array.from({ length: size }, (_, i) => residuals.reduce((sum, rho, s) => sum + (2 / 16) * rho * (rows[s * size + i] ?? 0), 0));
    });
    expect(distance(arrays(objective.gradients()), sums)).toBeLessThan(1e-5);
    expect(objective.loss()).toBeCloseTo(residuals.reduce((sum, rho) => sum + rho ** 2, 0) / 16, 5);
    jax.dispose();
  });

  it('trains alike with exact products and with central differences: losses within 2 % after 50 steps', () => {
    const rule = (hvpMethod: 'autograd' | 'central'): Rule =>
      lre({
        learningRate: 0.1,
        curvature: fullHutchinsonHessian({ hvpMethod, h: 0.03 }),
        basis: direct({ rank: 12, beta: 0.9, updateDamping: 0.05 }),
        inner: [lInv(), clipNorm()],
        initSteps: 4,
      });
    const [exact, differences] = [train(rule('autograd'), 50), train(rule('central'), 50)];
    expect(Math.abs(exact - differences) / exact).toBeLessThan(0.02);
    expect(exact).toBeLessThan(0.5 * train(rule('autograd'), 0));
  });

  it.each([
    ['Gauss–Newton', gaussNewton()],
    ['empirical Fisher', empiricalFisher()],
  ])('feeds %s', (_, curvature) => {
    const rule = lre({
      learningRate: 0.2,
      curvature,
      basis: direct({ rank: 20, beta: 0.5, updateDamping: 0.1 }),
      inner: [lInv(), clipNorm()],
    });
    expect(train(rule, 20)).not.toBe(train(rule, 0));
    expect(train(rule, 20)).toBeGreaterThan(0);
  });

  it('says that sample is missing, where per-sample gradients are needed', () => {
    const { sample: _, ...rest } = problem;
    const optimizer = createOptimizer({
      transform: lre({ curvature: gaussNewton() }),
      parameters: mapValues(shapes, (shape, name) => ({ shape, data: initial[name] })),
      backend: reference(),
    });
    expect(() => optimizer.step(jaxObjective(rest).at(optimizer.parameters, ...batch))).toThrow(
      'step: gauss-newton needs perSampleGradients in this step: call step(objective) with perSampleGradients() and samples, their number',
    );
  });
});

it.each<[string, () => unknown, string]>([
  [
    'nothing',
    () => Reflect.apply(jaxObjective, undefined, []),
    'jaxObjective: problem must be an object such as { shapes, loss }, received undefined',
  ],
  [
    'no loss',
    () => Reflect.apply(jaxObjective, undefined, [{ shapes: { w: [1] } }]),
    'jaxObjective: loss must be a function, received undefined',
  ],
  ['no shapes', () => Reflect.apply(jaxObjective, undefined, [{ loss: () => 0 }]), 'jaxObjective: shapes must be an object of shapes'],
  [
    'too much',
    () => Reflect.apply(jaxObjective, undefined, [{ ...problem, hvp: 1 }]),
    "jaxObjective: unknown part 'hvp', known are shapes, loss, sample",
  ],
  [
    'a batch without its shape',
    () => Reflect.apply(jaxObjective(problem).at, undefined, [initial, Float32Array.of(1)]),
    'jaxObjective: array 1 of the batch must be { data, shape }, received a Float32Array',
  ],
  [
    'a batch of another length',
    () => jaxObjective(problem).at(initial, { data: [1], shape: [2] }),
    'jaxObjective: array 1 of the batch must have 2 values for shape [2], received 1',
  ],
])('%s is refused', (_, make, message) => {
  expect(make).toThrow(OptError);
  expect(make).toThrow(message);
});
