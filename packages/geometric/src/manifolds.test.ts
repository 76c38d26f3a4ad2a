import { reference } from '@opt/backend-reference';
import { createOptimizer, type Shape, size } from '@opt/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { constraintError } from './constraint-error.ts';
import {
  blockStiefel,
  doublyStochastic,
  grassmannian,
  hypersphere,
  l1Stiefel,
  type ManifoldRule,
  oblique,
  slMuon,
  spectralBall,
  spectralSphere,
  stiefel,
  symplectic,
} from './index.ts';
import { normals, type Precision, random } from './testing/kit.ts';

interface Entry {
  readonly name: string;
  readonly make: (options: { readonly learningRate?: number }) => ManifoldRule;
  readonly shapes: readonly Shape[];
  /** What the constraint error may be in f32; in f64 it is 1e-11. */
  readonly bound: number;
}

const [square, tall, wide]: readonly Shape[][] = [[[6, 6]], [[8, 4]], [[4, 8]]];
const any: readonly Shape[] = [...(square ?? []), ...(tall ?? []), ...(wide ?? [])];
const roles = { w: 'hidden' } as const;

const entries: readonly Entry[] = [
  { name: 'stiefel', make: stiefel, shapes: any, bound: 1e-5 },
  { name: 'stiefel, radius 2', make: (o) => stiefel({ ...o, radius: 2 }), shapes: any, bound: 1e-5 },
  { name: 'stiefel, riemannian, qr', make: (o) => stiefel({ ...o, direction: 'riemannian', retraction: 'qr' }), shapes: any, bound: 1e-5 },
  {
    name: 'stiefel, riemannian, cayley',
    make: (o) => stiefel({ ...o, direction: 'riemannian', retraction: 'cayley' }),
    shapes: any,
    bound: 1e-5,
  },
  { name: 'block-stiefel, rows', make: (o) => blockStiefel({ ...o, blocks: 2 }), shapes: any, bound: 1e-5 },
  { name: 'block-stiefel, columns', make: (o) => blockStiefel({ ...o, blocks: 2, axis: 'columns' }), shapes: any, bound: 1e-5 },
  { name: 'l1-stiefel', make: l1Stiefel, shapes: any, bound: 1e-5 },
  {
    name: 'grassmannian',
    make: grassmannian,
    shapes: [
      [8, 4],
      [4, 8],
      [5, 4],
    ],
    bound: 1e-5,
  },
  {
    name: 'grassmannian, geodesic',
    make: (o) => grassmannian({ ...o, direction: 'riemannian', retraction: 'geodesic' }),
    shapes: [
      [8, 4],
      [4, 8],
    ],
    bound: 1e-5,
  },
  { name: 'oblique', make: oblique, shapes: any, bound: 2e-6 },
  { name: 'oblique, rows, adam', make: (o) => oblique({ ...o, axis: 'rows', direction: 'adam' }), shapes: any, bound: 2e-6 },
  { name: 'hypersphere', make: hypersphere, shapes: any, bound: 2e-6 },
  {
    name: 'hypersphere, tensor',
    make: (o) => hypersphere({ ...o, roles, axis: 'tensor', radius: 3 }),
    shapes: [...any, [7], [2, 3, 4]],
    bound: 2e-6,
  },
  { name: 'spectral-sphere', make: spectralSphere, shapes: any, bound: 2e-6 },
  { name: 'spectral-ball', make: spectralBall, shapes: any, bound: 2e-6 },
  {
    name: 'sl-muon',
    make: slMuon,
    shapes: [
      [6, 6],
      [5, 5],
    ],
    bound: 1e-4,
  },
  {
    name: 'symplectic',
    make: symplectic,
    shapes: [
      [6, 6],
      [2, 2],
    ],
    bound: 2e-5,
  },
  { name: 'symplectic, cayley', make: (o) => symplectic({ ...o, retraction: 'cayley' }), shapes: [[6, 6]], bound: 2e-5 },
  { name: 'doubly-stochastic', make: doublyStochastic, shapes: any, bound: 2e-6 },
];

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe.each<Precision>(['f64', 'f32'])('1,000 random gradients in %s', (precision) => {
  const cases = entries.flatMap((entry) => entry.shapes.map((shape) => ({ ...entry, shape })));
  it.each(cases)('$name stays on its manifold, shape $shape', ({ make, shape, bound }) => {
    const rule = make({});
    const initial = random(1, shape);
    const optimizer = createOptimizer({ transform: rule, parameters: { w: { shape, data: initial } }, backend: reference({ precision }) });
    const errorOf = constraintError(rule.manifold, shape, reference());
    const most = precision === 'f64' ? 1e-11 : bound;
    const draw = normals(2);
    expect(errorOf(optimizer.parameters.w), 'at construction').toBeLessThanOrEqual(most);
    let worst = 0;
    for (let n = 0; n < 1000; n++) {
      optimizer.step({ w: draw(size(shape)) });
      const error = errorOf(optimizer.parameters.w);
      worst = Math.max(error, worst);
    }
    expect(worst).toBeLessThanOrEqual(most);
  });
});

describe.each<Precision>(['f64', 'f32'])('gradients of lacking rank in %s', (precision) => {
  const cases = entries.flatMap((entry) => entry.shapes.map((shape) => ({ ...entry, shape })));
  it.each(cases)('end in finite steps on the manifold: $name, shape $shape', ({ make, shape, bound }) => {
    const rule = make({});
    const parameters = { w: { shape, data: random(5, shape) } };
    const optimizer = createOptimizer({ transform: rule, parameters, backend: reference({ precision }) });
    const errorOf = constraintError(rule.manifold, shape, reference());
    const zero = new Float64Array(size(shape));
    const columns = shape.at(-1) ?? 1;
    const [left, right] = [random(6, [size(shape) / columns]), random(7, [columns])];
    const outer = zero.map((_, i) => (left[Math.floor(i / columns)] ?? 0) * (right[i % columns] ?? 0));
    const single = zero.map((_, i) => (i === 1 ? 1 : 0));
    const subnormal = outer.map((x) => x * 1e-42);
    const errors: number[] = [];
    // From an empty buffer, with momentum of one rank and of two, and with momentum that has all but gone.
    for (const gradient of [zero, subnormal, zero, outer, zero, single, single, ...Array.from({ length: 200 }, () => zero), outer]) {
      optimizer.step({ w: gradient });
      expect(optimizer.parameters.w.every(Number.isFinite)).toBe(true);
      errors.push(errorOf(optimizer.parameters.w));
    }
    expect(Math.max(...errors)).toBeLessThanOrEqual(precision === 'f64' ? 1e-11 : bound);
  });
});

describe('a start', () => {
  it.each(entries)('on the manifold is kept bit for bit: $name', ({ make, shapes }) => {
    const shape = shapes[0] ?? [];
    const rule = make({});
    const first = createOptimizer({ transform: rule, parameters: { w: { shape, data: random(3, shape) } }, backend: reference() });
    const start = Float64Array.from(first.parameters.w, (x, i) =>
      rule.manifold.name === 'doubly-stochastic' && i > 0 ? x : x * (1 + 1e-9),
    );
    vi.mocked(console.warn).mockClear();
    const second = createOptimizer({ transform: rule, parameters: { w: { shape, data: start } }, backend: reference() });
    expect(Array.from(second.parameters.w)).toEqual(Array.from(start));
    expect(console.warn).not.toHaveBeenCalled();
  });

  it('off the manifold is projected, and the log says so', () => {
    createOptimizer({ transform: stiefel(), parameters: { w: { shape: [4, 2], data: random(4, [4, 2]) } }, backend: reference() });
    expect(console.warn).toHaveBeenCalledWith("@opt: stiefel: parameter 'w' was projected onto the manifold");
  });

  it('of lacking rank is completed on Stiefel, or refused if strict', () => {
    const shape = [4, 3];
    const parameters = { w: { shape, data: [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1, 0] } };
    const rule = stiefel();
    const { w } = createOptimizer({ transform: rule, parameters, backend: reference() }).parameters;
    expect(constraintError(rule.manifold, shape, reference())(w)).toBeLessThan(1e-12);
    const backend = reference();
    expect(() => createOptimizer({ transform: stiefel({ strict: true }), parameters, backend })).toThrow(
      "stiefel: parameter 'w' must start near the manifold, it has no projection",
    );
    expect(backend.buffers).toBe(0);
  });

  it.each([
    ['singular', [1, 2, 2, 4]],
    ['too close to singular', [1, 0, 0, 1e-9]],
  ])('that is %s is refused by SL', (_, data) => {
    expect(() => createOptimizer({ transform: slMuon(), parameters: { w: { shape: [2, 2], data } }, backend: reference() })).toThrow(
      "sl-muon: parameter 'w' must start near the manifold, it has no projection",
    );
  });

  it('whose determinant is negative has its first column negated by SL', () => {
    const { w } = createOptimizer({
      transform: slMuon(),
      parameters: { w: { shape: [2, 2], data: [-2, 0, 0, 2] } },
      backend: reference(),
    }).parameters;
    expect(Array.from(w)).toEqual([1, -0, 0, 1].map((x) => expect.closeTo(x, 12)));
  });

  it('with a zero vector becomes a unit vector on the sphere', () => {
    const { w } = createOptimizer({
      transform: oblique(),
      parameters: { w: { shape: [2, 2], data: [0, 3, 0, 4] } },
      backend: reference(),
    }).parameters;
    expect(Array.from(w)).toEqual([1, 0.6, 0, 0.8].map((x) => expect.closeTo(x, 12)));
  });
});
