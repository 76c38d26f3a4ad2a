import { reference } from '@opt/backend-reference';
import {
  argmax,
  createOptimizer,
  frobenius,
  hyper,
  inBasis,
  overSite,
  perTensor,
  rule,
  symmetricPower,
  type Tensor,
  type Transform,
  trace,
  tril,
  triu,
} from '@opt/core';
import { decay, descend, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { rotating } from './contract/rotations.ts';
import { runProgram } from './run-program.ts';

/** What the author of a stage has at hand, where the table of transforms does not come by. */

const parameters = { a: { shape: [2], data: [1, 2] }, b: { shape: [2, 2], data: [3, 4, 5, 6] } };
const nothing = (slots: Parameters<typeof perTensor>[0]['state']): Transform =>
  rule(perTensor({ name: 'one', ...(slots && { state: slots }), apply: ({ update }) => ({ update }) }), descend({ learningRate: 1 }));

describe('what a slot cannot start from', () => {
  const on = (transform: Transform) => () => createOptimizer({ transform, parameters, backend: reference() });
  const message =
    "slot 'one.x': init must be a finite number, 'identity', { identity: scale }, 'parameter' or { draw: 'normal', scale }, received";

  it.each<[unknown, string]>([
    [Number.NaN, 'NaN'],
    ['ones', "'ones'"],
    [{ draw: 'cauchy' }, 'an object'],
    [{ draw: 'normal', scale: Infinity }, 'an object'],
    [{ draw: 'normal', identity: 1 }, 'an object'],
    [null, 'null'],
  ])('%s', (init, received) => {
    const transform = nothing(({ shape }) => ({ x: { shape, kind: 'invariant' } }));
    // Only who does not compile can write it.
    const careless: Transform = {
      ...transform,
      declare: (shapes, at) =>
        Reflect.apply(at.child('one').slot, at, ['x', Object.keys(shapes)[0], { shape: [2], kind: 'invariant', init }]),
    };
    expect(on(careless)).toThrow(`${message} ${received}`);
  });

  it('a parameter of another shape, or in a basis', () => {
    const from = (shape: readonly number[]): Transform => nothing(() => ({ x: { shape, kind: 'invariant', init: 'parameter' } }));
    expect(on(from([2]))).toThrow("slot 'one.x': shape must be [2, 2], that of the parameter it starts from, received");
    const inside = perTensor({
      name: 'one',
      state: ({ shape }) => ({ x: { shape, kind: 'vector', init: 'parameter' } }),
      apply: () => ({}),
    });
    expect(on(rule(inBasis(rotating(false), inside), descend()))).toThrow(
      "rotating: 'rotating/one.x' starts from the parameter, which is in other coordinates than what is inside this basis",
    );
  });
});

describe('perTensor', () => {
  it('knows which slots every shape has', () => {
    // Adafactor's moment: rows and columns of a matrix, elements of all else.
    const factored = perTensor({
      name: 'factored',
      state: ({ shape }) =>
        shape.length === 2
          ? {
              r: { shape: [shape[0] ?? 1], kind: 'invariant' },
              c: { shape: [shape[1] ?? 1], kind: 'invariant' },
              n: { shape: [], kind: 'invariant' },
            }
          : { v: { shape, kind: 'diagonal' }, n: { shape: [], kind: 'invariant' } },
      apply({ update: g, state: { r, c, v, n } }) {
        // @ts-expect-error Some shapes have no v.
        const always: Tensor = v;
        expect(always).toBe(v);
        const n1 = n.add(1);
        if (r !== undefined && c !== undefined) {
          return { update: g, state: { r: r.add(g.square().sum([1])), c: c.add(g.square().sum([0])), n: n1 } };
        }
        return { update: g, state: { v: (v ?? g).add(g.square()), n: n1 } };
      },
    });
    const optimizer = createOptimizer({ transform: rule(factored, descend()), parameters, backend: reference() });
    optimizer.step({ a: [1, 2], b: [1, 2, 3, 4] });
    expect(Object.keys(optimizer.state).sort()).toEqual(['factored.c:b', 'factored.n:a', 'factored.n:b', 'factored.r:b', 'factored.v:a']);
    expect(Array.from(optimizer.state['factored.r:b'] ?? [])).toEqual([5, 25]);
    expect(Array.from(optimizer.state['factored.v:a'] ?? [])).toEqual([1, 4]);
  });
});

it.each([
  [false, [1 * 0.5 - 4, 2 * 0.5 - 4]],
  [true, [1 * (1 - 0.5 * 4) - 4, 2 * (1 - 0.5 * 4) - 4]],
])('decay is by η alone, or by the gain too: heedsGain %s', (heedsGain, expected) => {
  const gained = perTensor({ name: 'gained', apply: ({ update }) => ({ update, gain: update.sum().mul(0).add(4) }) });
  const transform = rule(gained, decay({ learningRate: 1, weightDecay: 0.5, heedsGain }), descend({ learningRate: 1 }));
  const optimizer = createOptimizer({ transform, parameters: { a: parameters.a }, backend: reference() });
  optimizer.step({ a: [1, 1] });
  expect(Array.from(optimizer.parameters.a)).toEqual(expected);
});

describe('overSite', () => {
  const rate = hyper('slower', 'by', 0.5);
  /** Every hyperparameter inside by half, wherever it stands. */
  const slower = (inner: Transform): Transform => ({
    ...inner,
    declare(shapes, at) {
      at.child('slower').hyper(rate);
      inner.declare(shapes, at);
    },
    apply(flow, site) {
      const by = site.child('slower').hyper(rate);
      return inner.apply(
        flow,
        overSite(site, (below) => ({ hyper: (one) => below.hyper(one).mul(by) })),
      );
    },
  });

  it('answers otherwise in every place inside, and leaves all else to the site', () => {
    const optimizer = createOptimizer({ transform: slower(sgd({ learningRate: 1, momentum: 0.5 })), parameters, backend: reference() });
    optimizer.step({ a: [8, 8] });
    optimizer.step({ a: [8, 8] });
    // η 0.5; μ 0.25: b = 8, then 10.
    expect(Array.from(optimizer.parameters.a)).toEqual([1 - 4 - 5, 2 - 4 - 5]);
    expect(Object.keys(optimizer.state)).toEqual(['sgd.b:a', 'sgd.b:b']);
  });
});

it('an extra of a frame is its owner’s, for any number of parameters', () => {
  const sized = {
    ...rotating(false),
    extras: ['elements'],
    frame: (owner: string, shape: readonly number[], site: Parameters<ReturnType<typeof rotating>['frame']>[2]) => ({
      ...rotating(false).frame(owner, shape, site),
      extras: { elements: site.get('Q', owner).sum() },
    }),
  };
  const scaled = perTensor({
    name: 'scaled',
    needs: [{ what: 'elements' }],
    apply: ({ update, site }) => ({ update: update.mul(site.extras['elements'] ?? Number.NaN) }),
  });
  const optimizer = createOptimizer({
    transform: rule(inBasis(sized, scaled), descend({ learningRate: 1 })),
    parameters,
    backend: reference(),
  });
  optimizer.step({ a: [1, 1], b: [1, 1, 1, 1] });
  expect([...optimizer.parameters.a, ...optimizer.parameters.b]).toEqual([-1, 0, -1, 0, 1, 2]);
});

describe('functions of matrices', () => {
  const x = [1, -7, 3, 4, 5, 9, 2, 8, 9, 9, 0, 6];
  it('triangles, the largest element, norms', async () => {
    const program = trace(
      { x: [2, 2, 3] },
      ({ x: t }) => ({
        lower: tril(t),
        above: triu(t, 1),
        below: tril(t, -1),
        most: argmax(t).working(),
        length: frobenius(t),
      }),
      'matrices',
    );
    const { lower, above, below, most, length } = await runProgram(reference(), program, { x: { data: x } });
    expect(Array.from(lower ?? [])).toEqual([1, 0, 0, 4, 5, 0, 2, 0, 0, 9, 0, 0]);
    expect(Array.from(above ?? [])).toEqual([0, -7, 3, 0, 0, 9, 0, 8, 9, 0, 0, 6]);
    expect(Array.from(below ?? [])).toEqual([0, 0, 0, 4, 0, 0, 0, 0, 0, 9, 0, 0]);
    expect(Array.from(most ?? [])).toEqual([2, 2, 2, 0]);
    for (const [i, sum] of [181, 266].entries()) expect(length?.[i]).toBeCloseTo(Math.sqrt(sum), 5);
  });

  it('powers of symmetric matrices', async () => {
    // [[2, 1], [1, 2]] twice: eigenvalues 1 and 3.
    const program = trace(
      { A: [2, 2, 2] },
      ({ A }) => ({ root: symmetricPower(A.eigh(), 0.5, 0), inverse: symmetricPower(A.eigh(), -1, 0) }),
      'powers',
    );
    const A = [2, 1, 1, 2, 2, 1, 1, 2];
    const { root = [], inverse = [] } = await runProgram(reference(), program, { A: { data: A } });
    const [p, q] = [(Math.sqrt(3) + 1) / 2, (Math.sqrt(3) - 1) / 2];
    for (const [i, e] of [p, q, q, p, p, q, q, p].entries()) expect(root[i]).toBeCloseTo(e, 12);
    for (const [i, e] of [2, -1, -1, 2, 2, -1, -1, 2].entries()) expect(inverse[i]).toBeCloseTo(e / 3, 12);
  });

  it('what is no matrix is refused', () => {
    expect(() => trace({ x: [2] }, ({ x: t }) => ({ y: triu(t) }), 'vector')).toThrow(
      'a triangle of a matrix is needed, received shape [2]',
    );
    expect(() => trace({ x: [] }, ({ x: t }) => ({ y: argmax(t) }), 'scalar')).toThrow('argmax: an axis is needed, received a scalar');
  });
});
