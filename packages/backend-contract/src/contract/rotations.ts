import { reference } from '@opt/backend-reference';
import { type Basis, inBasis, rotation, rule, size, type Transform } from '@opt/core';
import { descend } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import type { TransformRecord } from '../records/record.ts';
import { oddModel, optimizerOn, snapshot, train, withOptimizer } from './models.ts';

/** A rotation of each parameter as one vector, drawn anew before every step, or never. */
export const rotating = (redraw: boolean): Basis => ({
  name: 'rotating',
  kinds: ['vector', 'diagonal', 'cubic', 'matrix'],
  coordinates: (shape) => [size(shape)],
  declare: (owner, shape, at) => at.slot('Q', owner, { shape: [size(shape), size(shape)], kind: 'invariant', init: 'identity' }),
  before(owner, gradient, site) {
    if (!redraw) return {};
    const n = size(gradient.shape);
    const old = site.get('Q', owner);
    const Q = site.draw('X', owner, 'normal', [n, n]).orthonormalize('complete');
    site.set('Q', owner, Q);
    return { move: rotation(Q.matmul(old, { transposeA: true })) };
  },
  frame(owner, shape, site) {
    const Q = site.get('Q', owner);
    return {
      project: (x) => Q.matmul(x.reshape([-1, 1]), { transposeA: true }).reshape([-1]),
      unproject: (x) => Q.matmul(x.reshape([-1, 1])).reshape(shape),
    };
  },
});

/** Parameters and state after some steps. */
export const trained = (direction: Transform, steps = 6): Promise<Record<string, Float64Array>> =>
  withOptimizer(optimizerOn(reference(), rule(direction, descend({ learningRate: 0.1 })), oddModel, 5), async (optimizer) => {
    await train(optimizer, oddModel, 0, steps);
    return snapshot(optimizer);
  });

/** Directions of nothing but vectors, in a basis that is redrawn before every step. */
export function testRotations(records: readonly TransformRecord[]): void {
  const rotatable = records
    .filter(({ rotates }) => rotates === true)
    .flatMap(({ name, make, variants = [] }) =>
      [{}, ...variants].map((options): [string, () => Transform] => [`${name} ${JSON.stringify(options)}`, () => make(options)]),
    );
  if (rotatable.length === 0) return;

  describe('bases', () => {
    it.each(rotatable)('a direction of vector slots does not see the basis it runs in, however it is redrawn: %s', async (_, make) => {
      const [plain, rotated] = [await trained(make()), await trained(inBasis(rotating(true), make()))];
      for (const [name] of Object.entries(oddModel)) {
        rotated[name]?.forEach((x, i) => {
          expect(Math.abs(x - (plain[name]?.[i] ?? Number.NaN)), `${name}[${i}]`).toBeLessThanOrEqual(1e-12);
        });
      }
    });
  });
}
