import { reference } from '@opt/backend-reference';
import { createOptimizer, GradientError, rule } from '@opt/core';
import { descend, sam, sgd } from '@opt/transforms';
import { expect, it } from 'vitest';

const parameters = { none: { shape: [0, 3], data: [] }, w: { shape: [2], data: [3, 4] } };

it('parameters without elements are there for who looks, asks and measures', () => {
  const transform = rule(sam({ rho: 1 }), descend({ learningRate: 1 }));
  const optimizer = createOptimizer({ transform, parameters, backend: reference(), metrics: { every: 1 } });
  const seen: string[] = [];
  // ½‖w‖², so that SAM's step is w + w/‖w‖.
  optimizer.step({
    gradients(at = optimizer.parameters) {
      seen.push(`${Object.keys(at)} ${at.none.length}`);
      return { none: at.none, w: at.w };
    },
  });
  expect(seen).toEqual(['none,w 0', 'none,w 0']);
  expect(Array.from(optimizer.parameters.w)).toEqual([3 - 3.6, 4 - 4.8]);
  expect(optimizer.metrics().parameters.none).toEqual({});
  expect(optimizer.metrics().parameters.w.gradient).toBeCloseTo(5, 12);
  expect([optimizer.gradients.none.length, optimizer.evaluation.none.length]).toEqual([0, 0]);
  expect(optimizer.groups[0]?.parameters).toEqual(['none', 'w']);
});

it('they come and go like any other, and a gradient of them has no elements', () => {
  const optimizer = createOptimizer({ transform: sgd({ learningRate: 1 }), parameters, backend: reference() });
  expect(() => optimizer.step({ none: [1], w: [1, 1] })).toThrow(GradientError);
  expect(() => optimizer.step({ none: [1], w: [1, 1] })).toThrow("gradient of 'none' must have no elements, received");
  const more = optimizer.remove('none').add({ other: { shape: [0], data: [] } });
  more.step({ other: [], w: [1, 1] });
  expect([more.parameters.other.length, ...more.parameters.w]).toEqual([0, 2, 3]);
});

it('a model of nothing else has nothing to do', () => {
  const optimizer = createOptimizer({ transform: sgd(), parameters: { none: parameters.none }, backend: reference() });
  optimizer.step({ none: [] });
  optimizer.load(optimizer.save());
  expect(optimizer.parameters.none.length).toBe(0);
});
