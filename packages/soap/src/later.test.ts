import { reference } from '@opt/backend-reference';
import { createOptimizer, hyper, rule, ShapeError, type Transform, TransformError } from '@opt/core';
import { descend } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { deferring, last } from './testing/deferring.ts';
import { gradientAt, values } from './testing/matrices.ts';

describe('a computation for later', () => {
  const factor = hyper('stage', 'factor', 2);
  const stage = (later: Transform['apply']): Transform => ({ name: 'stage', declare: (_, at) => at.hyper(factor), apply: later });
  const tried = (transform: Transform): void =>
    createOptimizer({
      transform: rule(transform, descend({ learningRate: 1 })),
      parameters: { w: { shape: [6, 6], data: new Float64Array(36) } },
      backend: deferring(),
    }).step({ w: gradientAt(1, 36) });

  it('reads its inputs only', () => {
    const reading = stage((flow, site) => {
      const { w } = flow.updates;
      if (w !== undefined)
        site.later(
          'Q',
          'w',
          true,
          () => ({ w }),
          (given) => ({ Q: given.w.mul(site.hyper(factor)).orthonormalize('zero') }),
        );
      return flow;
    });
    expect(() => tried(reading)).toThrow(ShapeError);
    expect(() => tried(reading)).toThrow(/'.Q:w' computes later must be of its inputs/);
  });

  it('is asked for once a step', () => {
    const twice = stage((flow, site) => {
      for (let i = 0; i < 2; i++)
        site.later(
          'Q',
          'w',
          false,
          () => ({}),
          () => ({}),
        );
      return flow;
    });
    expect(() => tried(twice)).toThrow(TransformError);
  });

  it('carries indices and what is wide as they are', async () => {
    // Computes x/3 in f64 of the gradient sorted, and says where each element went.
    const carried: Transform = {
      name: 'carried',
      declare(_, at) {
        at.slot('third', 'w', { shape: [6], kind: 'invariant', dtype: 'wide' });
        at.slot('order', 'w', { shape: [6], kind: 'invariant' });
      },
      apply(flow, site) {
        const { w } = flow.updates;
        if (w === undefined) return flow;
        const due = site.phase('w', (count) => (count === 1 ? 'first' : 'other')) === 'first';
        const found = site.later(
          'thirds',
          'w',
          due,
          () => ({ x: w.row(0).wide(), order: w.row(0).argsort(), matrix: w }),
          // The factorisation is there to be put off.
          ({ x, order, matrix }) => ({ third: x.div(3).gather(order, 0).add(matrix.orthonormalize('zero').row(0).mul(0)), order }),
        );
        if (found?.['third'] === undefined || found['order'] === undefined) return flow;
        site.set('third', 'w', found['third'].gather(found['order'], 0));
        site.set('order', 'w', found['order'].working());
        return flow;
      },
    };
    const backend = deferring(5, reference({ precision: 'f32' }));
    const optimizer = createOptimizer({
      transform: rule(carried, descend({ learningRate: 1 })),
      parameters: { w: { shape: [6, 6], data: new Float64Array(36) } },
      backend,
    });
    const w = Float32Array.from([5, 1, 4, 2, 6, 3, ...gradientAt(1, 30)]);
    optimizer.step({ w });
    await last(backend).finish();
    optimizer.step({ w });
    const order = [1, 3, 5, 2, 0, 4];
    expect(values(optimizer.state['.order:w'])).toEqual(order);
    const thirds = order.map((i) => (w[i] ?? 0) / 3);
    expect(values(optimizer.state['.third:w'])).toEqual(order.map((i) => thirds[i]));
  });
});
