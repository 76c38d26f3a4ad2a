import { createOptimizer, type Floats, type MaybePromise, mapValues } from '@opt/core';
import type { AnyBackend } from '../backends.ts';
import { type Contender, looped } from './contender.ts';
import { gradientSets, type Shapes, tensors } from './models.ts';
import type { Recipe } from './recipes.ts';

/** Steps of one of our optimizers. */
export async function ownStep(recipe: Recipe, shapes: Shapes, backend: AnyBackend): Promise<Contender> {
  const initial = tensors(shapes, 0);
  const parameters = mapValues(shapes, (shape, name) => ({ shape, data: initial[name] ?? [] }));
  const optimizer = await createOptimizer({ transform: recipe.rule(), parameters, backend, metrics: recipe.metrics ?? false });
  const given = recipe.gradients === 'copied' ? gradientSets(shapes, recipe.sets) : [tensors(shapes, 1)];
  // Everything is compiled and all memory taken before views of it are asked for; what is kept of past gradients is all there.
  for (let step = 0; step < 2; step++) await optimizer.step(given[0] ?? {});
  for (const gradients of recipe.sets === undefined ? [] : given) await optimizer.step(gradients);
  const inPlace = recipe.gradients === 'in place' && backend.read === 'sync';
  const sets = inPlace ? [await views(optimizer.gradients)] : given;
  let turn = 0;
  return looped(
    () => {
      const gradients = sets[turn] ?? {};
      turn = turn + 1 === sets.length ? 0 : turn + 1;
      return optimizer.step(gradients);
    },
    () => {
      optimizer.dispose();
      backend.dispose();
    },
  );
}

/** The buffers gradients are read from: handing them over costs nothing. */
async function views(buffers: Readonly<Record<string, MaybePromise<Floats>>>): Promise<Readonly<Record<string, Floats>>> {
  const seen: Record<string, Floats> = {};
  for (const [name, buffer] of Object.entries(buffers)) seen[name] = await buffer;
  return seen;
}
