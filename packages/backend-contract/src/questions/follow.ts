import { expectClose, type Harness, input } from '../contract/harness.ts';
import type { AnyOptimizer, Model } from '../contract/models.ts';
import { type Asking, objectiveOf, place } from './objective.ts';
import type { Vector, Walk } from './plain.ts';

/** Small enough for f32 to follow f64. */
export const model: Model = { w: input([3, 2], 1, (x) => 0.6 * x), b: input([2], 2, (x) => 0.6 * x) };

/** Holds some steps of an optimizer against those of plain arrays. */
export async function followed(
  harness: Harness,
  optimizer: AnyOptimizer,
  walk: Walk,
  asking: Asking = {},
  steps = 6,
  before?: (step: number) => void,
): Promise<void> {
  let x: Vector = await place(optimizer, model);
  for (let step = 0; step < steps; step++) {
    before?.(step);
    await optimizer.step(objectiveOf(optimizer, model, asking));
    x = walk(x);
    expectClose(harness, `step ${step}`, await place(optimizer, model), x, harness.tolerance('trajectory'), { by: 'largest' });
  }
}
