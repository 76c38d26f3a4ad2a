import { expect, it } from 'vitest';
import { initial, lossAndGradients, sampler } from './spirals.ts';

it('gradients are those of the loss', () => {
  const weights = Object.fromEntries(Object.entries(initial()).map(([name, { data }]) => [name, Float64Array.from(data)]));
  const at = { w1: [], b1: [], w2: [], b2: [], ...weights };
  const batch = sampler(3)(16);
  const { gradients } = lossAndGradients(at, batch);
  for (const name of ['w1', 'b1', 'w2', 'b2'] as const) {
    for (const i of name === 'b2' ? [0] : [0, 7, 31]) {
      const moved = (by: number): number =>
        lossAndGradients({ ...at, [name]: Float64Array.from(at[name], (x, k) => (k === i ? x + by : x)) }, batch).loss;
      expect(gradients[name][i]).toBeCloseTo((moved(1e-5) - moved(-1e-5)) / 2e-5, 6);
    }
  }
});

it('every worker has samples of its own, the same every time', () => {
  expect(sampler(1)(8)).toEqual(sampler(1)(8));
  expect(sampler(1)(8)).not.toEqual(sampler(2)(8));
});
