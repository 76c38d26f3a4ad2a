import { reference } from '@opt/backend-reference';
import { createOptimizer, linear } from '@opt/core';
import { expect, it } from 'vitest';
import { adamw, lossScaling, sgd } from './index.ts';

const parameters = { w: { shape: [2], data: [1, 2] } };
/** Gradients as f16 has them. */
const narrow = (scale: number, gradient: readonly number[]): number[] =>
  gradient.map((g) => (Math.abs(g * scale) > 65504 ? Infinity * Math.sign(g) : g * scale));

it('doubles after so many good steps, halves where a gradient overflowed, and never changes what a step does', () => {
  const make = (lossScaleFactor: number | null) =>
    createOptimizer({ transform: adamw({ learningRate: 0.1, lossScaleFactor }), parameters, backend: reference() });
  const [scaled, plain] = [make(2 ** 15), make(null)];
  const scaling = lossScaling(scaled, { growAfter: 3 });
  const factors: number[] = [];
  for (let step = 0; step < 12; step++) {
    const gradient = [3 + step, -1];
    const before = scaled.skippedSteps;
    scaling.step({ w: narrow(scaling.factor, gradient) });
    if (scaled.skippedSteps === before) plain.step({ w: gradient });
    factors.push(Math.log2(scaling.factor));
  }
  // 3·2¹⁵ overflows; up to 65504 the rest fits for a while.
  expect(factors).toEqual([14, 13, 13, 13, 14, 13, 12, 12, 12, 13, 12, 12]);
  expect(Array.from(scaled.parameters.w)).toEqual(Array.from(plain.parameters.w));
});

it('may change within a window', () => {
  const optimizer = createOptimizer({
    transform: sgd({ learningRate: 1, lossScaleFactor: 4, gradientAccumulationSteps: 3 }),
    parameters,
    backend: reference(),
  });
  const scaling = lossScaling(optimizer, { growAfter: 2 });
  for (const g of [1, 2, 6]) scaling.step({ w: [g * scaling.factor, 0] });
  expect(scaling.factor).toBe(8);
  expect(Array.from(optimizer.parameters.w)).toEqual([1 - 3, 2]);
});

it('is in a checkpoint with the optimizer', () => {
  const make = () => createOptimizer({ transform: sgd({ lossScaleFactor: 4 }), parameters, backend: reference() });
  const first = make();
  const scaling = lossScaling(first, { growAfter: 3 });
  for (let step = 0; step < 4; step++) scaling.step({ w: [1, 1] });
  const second = make();
  const resumed = lossScaling(second, { growAfter: 3, good: scaling.good });
  second.load(first.save());
  expect([resumed.factor, resumed.good]).toEqual([8, 1]);
});

it('needs a scale that is a number', () => {
  const on = (transform: Parameters<typeof createOptimizer>[0]['transform']) =>
    createOptimizer({ transform, parameters, backend: reference() });
  expect(() => lossScaling(on(sgd()))).toThrow('lossScaling: the optimizer must have a lossScaleFactor that is a number, received none');
  expect(() => lossScaling(on(sgd({ lossScaleFactor: linear({ from: 1, to: 2, steps: 3 }) })))).toThrow('received a schedule');
  expect(() => lossScaling(on(sgd({ lossScaleFactor: 2 })), { growAfter: 0 })).toThrow(
    'lossScaling: growAfter must be an integer >= 1, received 0',
  );
});
