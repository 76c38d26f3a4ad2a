import { reference } from '@opt/backend-reference';
import type { Transform } from '@opt/core';
import { describe, expect, it } from 'vitest';
import type { Subject } from '../subjects.ts';
import { type AnyOptimizer, gradientsAt, type Model, oddModel, optimizerOn, snapshot, withOptimizer } from './models.ts';
import { failureOf } from './optimizers.ts';

export const reversed = (model: Model): Model => Object.fromEntries(Object.entries(model).reverse());
const on = (transform: Transform, model: Model = oddModel) => optimizerOn(reference(), transform, model);

/** Steps with the gradients of `model`, whatever the order in which the optimizer holds them. */
export const feed = async (optimizer: AnyOptimizer, from: number, to: number): Promise<void> => {
  for (let step = from; step < to; step++) await optimizer.step(gradientsAt(oddModel, step));
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : '');

/** State is kept by name, not by position. */
export function testReordering(all: readonly Subject[]): void {
  describe('state is kept by name', () => {
    it.each(all.map((subject): [string, Subject] => [subject.label, subject]))(
      'parameters in another order go on as if nothing had happened: %s',
      async (_, { make }) => {
        await withOptimizer(on(make()), async (through) => {
          await feed(through, 0, 5);
          const file = await through.save();
          await feed(through, 5, 9);
          await withOptimizer(on(make(), reversed(oddModel)), async (reordered) => {
            const refused = await failureOf(() => reordered.load(file));
            // A joined matrix is not reordered but refused; what is drawn for a joined vector is drawn by position.
            if (refused !== undefined) return expect(messageOf(refused)).toContain('cannot be reordered');
            const draws = through
              .explain(9)
              .programs.some(({ program }) => program.nodes.some(({ operation }) => operation.op === 'random'));
            if (draws) return;
            await feed(reordered, 5, 9);
            const [actual, expected] = [await snapshot(reordered), await snapshot(through)];
            for (const name of Object.keys(oddModel)) {
              expected[name]?.forEach((x, i) => {
                // Sums over all parameters are added up in another order.
                expect(Math.abs(x - (actual[name]?.[i] ?? Number.NaN)), `${name}[${i}]`).toBeLessThanOrEqual(1e-10);
              });
            }
          });
        });
      },
    );
  });
}
