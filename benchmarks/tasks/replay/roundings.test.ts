import { reference } from '@opt/backend-reference';
import { createOptimizer } from '@opt/core';
import { soap } from '@opt/soap';
import { expect, it } from 'vitest';
import { withBasesInFloat32 } from './first-basis.ts';
import { roundingsOf, turnedAt } from './roundings.ts';

it('turns an input by its bias, at its step only', () => {
  const roundings = roundingsOf('segmentation', 'muon');
  const parameters = { 'encoder2.bias': new Float32Array(64).fill(0.5) };
  expect(turnedAt(3, parameters, roundings)).toBe(parameters);
  const { 'encoder2.bias': moved = [] } = turnedAt(4, parameters, roundings);
  expect([...moved].map((value, channel) => (value === 0.5 ? '' : `${channel}: ${(value - 0.5).toExponential(0)}`)).join('')).toBe(
    '31: -4e-6',
  );
  expect(parameters['encoder2.bias'][31]).toBe(0.5);
  expect(() => turnedAt(4, { 'encoder2.bias': new Float32Array(31) }, roundings)).toThrow("no channel 31 of 'encoder2' to turn");
});

it.each(['f32', 'f64'] as const)(
  'gives SOAP the eigenvectors of its covariances, by falling eigenvalue, in a checkpoint in %s',
  (precision) => {
    const make = () =>
      createOptimizer({
        transform: soap(),
        parameters: { w: { shape: [3, 2], data: new Float32Array(6) } },
        backend: reference({ precision }),
      });
    const [saved, loaded] = [make(), make()];
    saved.step({ w: [1, 2, 3, -4, 5, 6] });
    expect(loaded.load(withBasesInFloat32(saved.save()))).toMatchObject({ missing: [], surplus: [] });
    for (const [axis, n] of [3, 2].entries()) {
      const [A, Q] = [loaded.state[`soap.A${axis}:w`] ?? [], loaded.state[`soap.Q${axis}:w`] ?? []];
      expect([...A]).toEqual([...(saved.state[`soap.A${axis}:w`] ?? [])]);
      const along = (i: number, j: number): number => {
        let sum = 0;
        for (let k = 0; k < n; k++) for (let l = 0; l < n; l++) sum += (Q[k * n + i] ?? 0) * (A[k * n + l] ?? 0) * (Q[l * n + j] ?? 0);
        return sum;
      };
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < i; j++) expect(along(i, j)).toBeCloseTo(0, 5);
        if (i > 0) expect(along(i, i)).toBeLessThan(along(i - 1, i - 1));
      }
    }
  },
);
