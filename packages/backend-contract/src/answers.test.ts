import { reference } from '@opt/backend-reference';
import {
  concatenated,
  createOptimizer,
  type Draws,
  inBasis,
  ObjectiveError,
  perTensor,
  rule,
  type Transform,
  TransformError,
} from '@opt/core';
import { lre } from '@opt/lre';
import { ggt } from '@opt/lre-basis';
import { gaussNewton } from '@opt/lre-curvature';
import { kroneckerEigenbasis } from '@opt/soap';
import { descend } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { expectRefused } from './testing/refused.ts';

/** h ← h + z∘Hz, with a z of its own: Hutchinson's estimate of the diagonal, as Sophia keeps it. */
const estimate = perTensor({
  name: 'estimate',
  needs: [{ what: 'hvp' }, { what: 'loss' }],
  state: ({ shape }) => ({ h: { shape, kind: 'diagonal' } }),
  apply({ update, owner, site, state: { h } }) {
    site.probe(owner, site.draw('z', owner, 'rademacher', update.shape));
    const { z, Hz } = site.product(owner, update.shape);
    return { update: update.add(site.loss().mul(0)), state: { h: h.add(z.mul(Hz)) } };
  },
});

const H = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const start = { w: { shape: [3, 3], data: [1, 2, 3, 4, 1, 1, 2, 2, 5] } };
const good = {
  gradients: (): { w: unknown } => ({ w: [1, 2, 0, -1, 3, 1, 2, 0.5, -1] }),
  loss: (): unknown => 1,
  hvp: (v: { w: ArrayLike<number> }): unknown => ({ w: Array.from(v.w, (x, i) => (H[i] ?? 0) * x) }),
};

const on = (transform: Transform, draws?: Draws) =>
  createOptimizer({ transform, parameters: start, backend: reference(), ...(draws && { draws }) });
/** With draws that the compiler would not take. */
const drawing = (transform: Transform, drawn: unknown): object =>
  Reflect.apply(createOptimizer, undefined, [{ transform, parameters: start, backend: reference(), draws: () => drawn }]);
const stepOf = (optimizer: object, given: unknown): unknown => Reflect.apply(Reflect.get(optimizer, 'step'), optimizer, [given]);

it('a poisoned answer to a step that failed for another reason does not drop the next one', () => {
  const optimizer = on(rule(estimate, descend()));
  const hvp = (): unknown => ({ w: new Array<number>(9).fill(Number.NaN) });
  expect(() => stepOf(optimizer, { ...good, hvp, loss: () => '1' })).toThrow(ObjectiveError);
  stepOf(optimizer, good);
  expect(optimizer.skippedSteps).toBe(0);
  expect(optimizer.parameters.w[0]).not.toBe(1);
});

describe('an answer of an objective that cannot be right is an ObjectiveError that names it, and nothing has changed', () => {
  const transform = rule(estimate, descend());
  it.each<[string, object, string]>([
    [
      'a promise of gradients inside',
      { gradients: () => ({ w: Promise.resolve([]) }) },
      "gradients() of the objective: gradient of 'w' must be",
    ],
    [
      'no gradients',
      { gradients: () => undefined },
      'gradients() of the objective: gradients must be an object, by parameter name, received undefined',
    ],
    [
      'a gradient too long',
      { gradients: () => ({ w: new Float32Array(10) }) },
      "gradient of 'w' must have 9 elements (shape [3, 3]), received 10",
    ],
    ['a loss in text', { loss: () => '1' }, "loss must be a finite number, received '1'"],
    ['a tensor for a loss', { loss: () => ({ dataId: {}, rankType: '0' }) }, 'loss must be a finite number, received a tf.Tensor'],
    ['no product', { hvp: () => undefined }, 'hvp must give an object of arrays by parameter name, received undefined'],
    ['a product in a Map', { hvp: () => new Map() }, 'hvp must give an object of arrays by parameter name, received a Map'],
    ['a product of another parameter', { hvp: () => ({ v: [1] }) }, "hvp gave 'v', which belongs to no parameter, known are w"],
    ['a product too short', { hvp: () => ({ w: [1] }) }, "hvp must give an array of 9 numbers for 'w', received 1"],
    [
      'a product with holes',
      { hvp: () => ({ w: new Array(9) }) },
      "hvp must give an array of 9 numbers for 'w', received undefined at [0]",
    ],
    ['hvp that is no function', { hvp: 3 }, 'hvp of the objective must be a function, received 3'],
    ['a probe of text', { probe: () => ({ w: '' }) }, "probe must give an array of 9 numbers for 'w', received ''"],
    ['half a sample', { samples: 0.5 }, 'samples of the objective must be an integer >= 1, received 0.5'],
  ])('%s', (_, over, said) => {
    const optimizer = on(transform);
    stepOf(optimizer, good);
    const before = [Array.from(optimizer.parameters.w), Array.from(optimizer.state['estimate.h:w'] ?? [])];
    expectRefused(() => stepOf(optimizer, { ...good, ...over }), ObjectiveError, said);
    expect([Array.from(optimizer.parameters.w), Array.from(optimizer.state['estimate.h:w'] ?? [])]).toEqual(before);
    stepOf(optimizer, good);
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'perSampleGradients must give { gradients, losses }, received undefined'],
    ['too few losses', { gradients: { w: new Float32Array(18) }, losses: [1] }, 'perSampleGradients must give 2 losses, received 1'],
    [
      'losses in text',
      { gradients: { w: new Float32Array(18) }, losses: ['1', '2'] },
      "perSampleGradients must give 2 losses, received '1' at [0]",
    ],
    [
      'one sample',
      { gradients: { w: new Float32Array(9) }, losses: [1, 2] },
      "perSampleGradients must give an array of 18 numbers for 'w', received 9",
    ],
  ])('of samples: %s', (_, given, said) => {
    const optimizer = on(lre({ curvature: gaussNewton(), basis: ggt({ historySize: 3 }) }));
    expectRefused(() => stepOf(optimizer, { ...good, samples: 2, perSampleGradients: () => given }), ObjectiveError, said);
  });

  it('may come as a promise of another kind', async () => {
    const optimizer = on(transform);
    // biome-ignore lint/suspicious/noThenProperty: it is what such a promise has.
    const later = { then: (done: (value: unknown) => void) => done(good.gradients()) };
    await stepOf(optimizer, { ...good, gradients: () => later });
    const other = on(transform);
    stepOf(other, good);
    expect(Array.from(optimizer.parameters.w)).toEqual(Array.from(other.parameters.w));
  });
});

describe('draws from outside', () => {
  const coin = perTensor({
    name: 'coin',
    apply: ({ update, site, owner }) => ({ update: update.mul(site.choose('side', owner, { one: 1, two: 1 }) === 'one' ? 1 : 2) }),
  });
  it.each<[unknown, string]>([
    [[0.5], "draw 'side' must be one position in 0 … 1 (one, two), received 0.5"],
    [[2], 'received 2'],
    [[-1], 'received -1'],
    [[], 'received 0'],
    [undefined, 'received undefined'],
    [['1'], "received '1' at [0]"],
    [Promise.resolve([1]), 'received a Promise'],
  ])('%o is no position among choices', (drawn, said) => {
    const optimizer = drawing(rule(coin, descend()), drawn);
    expectRefused(() => stepOf(optimizer, good.gradients()), ObjectiveError, said);
  });

  it('a position is', () => {
    const optimizer = on(rule(coin, descend({ learningRate: 1 })), () => [1]);
    stepOf(optimizer, { w: [1, 0, 0, 0, 0, 0, 0, 0, 0] });
    expect(optimizer.parameters.w[0]).toBe(-1);
  });

  it.each<[unknown, string]>([
    [new Float32Array(3), "draw 'z' must have 9 values, received 3"],
    [undefined, "draw 'z' must have 9 values, received none"],
    [new Array(9).fill('1'), "draw 'z' must have 9 values, received '1' at [0]"],
    [new Float32Array(9).fill(Number.NaN), "draw 'z' must be of finite numbers, received NaN at [0]"],
  ])('%o are no nine numbers', (drawn, said) => {
    expectRefused(() => stepOf(drawing(rule(estimate, descend()), drawn), good), ObjectiveError, said);
  });
});

describe('products with the Hessian inside a basis are those of its coordinates', () => {
  /** One coordinate at a time, so that z∘Hz is an entry of the diagonal and nothing else. */
  const unit = (k: number): Draws => {
    return (_, __, shape) => Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (___, i) => (i === k ? 1 : 0));
  };

  // Coordinate (a, b) of W is the direction q_a r_bᵀ, so the diagonal of QᵀHQ is Σ_ij H_ij q_ia² r_jb² for a diagonal H.
  it.each([
    ['inBasis', rule(inBasis(kroneckerEigenbasis(), estimate), descend()), 'soap/estimate.h:w'],
    ['inBasis, joined inside', rule(inBasis(kroneckerEigenbasis(), concatenated(estimate)), descend()), 'soap/estimate.h:*'],
  ])('%s', (_, transform, key) => {
    for (let k = 0; k < 9; k++) {
      const optimizer = on(transform, unit(k));
      // The first call makes the basis.
      stepOf(optimizer, good);
      const [Q, R] = [optimizer.state['soap.Q0:w'], optimizer.state['soap.Q1:w']].map((state) => Array.from(state ?? []));
      stepOf(optimizer, good);
      const [a, b] = [Math.floor(k / 3), k % 3];
      const expected = H.reduce((sum, h, ij) => {
        const [i, j] = [Math.floor(ij / 3), ij % 3];
        return sum + h * (Q?.[3 * i + a] ?? Number.NaN) ** 2 * (R?.[3 * j + b] ?? Number.NaN) ** 2;
      }, 0);
      expect(Math.abs((optimizer.state[key]?.[k] ?? Number.NaN) - expected)).toBeLessThan(1e-12);
      // Not the diagonal of H, which it would be in the parameter's own coordinates.
      expect(Math.abs(expected - (H[k] ?? 0))).toBeGreaterThan(1e-3);
    }
  });

  it.each<[string, Transform, string]>([
    ['hvp in a basis of other products', lre({ inner: estimate }), 'lre: estimate needs hvp inside this basis'],
    [
      'samples in a basis',
      rule(
        inBasis(kroneckerEigenbasis(), perTensor({ name: 'sampled', needs: [{ what: 'perSampleGradients' }], apply: () => ({}) })),
        descend(),
      ),
      'soap: sampled needs perSampleGradients inside this basis',
    ],
  ])('%s is refused when the optimizer is made', (_, transform, said) => {
    expectRefused(() => on(transform), TransformError, said);
  });
});
