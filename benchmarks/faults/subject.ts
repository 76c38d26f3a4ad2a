import { guarded, subjects, type Wrapper, wrappers } from '@opt/backend-contract';
import type { Shape, Transform } from '@opt/core';
import type { Dice } from './dice.ts';

/** An optimizer and a model, drawn. */
export interface Subject {
  readonly label: string;
  readonly make: () => Transform;
  readonly shapes: Readonly<Record<string, Shape>>;
  readonly start: Readonly<Record<string, { readonly shape: Shape; readonly data: Float32Array }>>;
}

const all = subjects().filter(({ record }) => record.from !== '@opt/lre-curvature');
const shapes: readonly Shape[] = [[], [1], [3], [7], [3, 3], [4, 3], [2, 5], [6, 4], [2, 2, 2], [3, 2, 1, 2]];

/** What asks an objective for more than gradients, or draws, is not tried here: objectives have tests of their own. */
export const isPlain = (label: string): boolean => !/hessian|hutchinson|bfgs|sr1|shor|newton|fisher|loss|needs/i.test(label);

export function drawSubject(dice: Dice): Subject {
  const subject = dice.pick(all.filter(({ label }) => isPlain(label)));
  const wrapper: Wrapper = dice.next() < 0.5 ? dice.pick(wrappers.slice(0, 1)) : dice.pick(wrappers);
  const model: Record<string, Shape> = { w: [4, 3] };
  for (let i = dice.below(4); i > 0; i--) model[`p${i}`] = dice.pick(shapes);
  const start = Object.fromEntries(Object.entries(model).map(([name, shape]) => [name, { shape, data: numbers(dice, shape, 1) }] as const));
  return { label: `${subject.label} ${wrapper.name}`, make: () => guarded(subject, wrapper), shapes: model, start };
}

export const sizeOf = (shape: Shape): number => shape.reduce((product, n) => product * n, 1);

export const numbers = (dice: Dice, shape: Shape, scale: number): Float32Array =>
  Float32Array.from({ length: sizeOf(shape) }, () => scale * dice.normal());

/** A gradient for each parameter: noise. */
export const gradients = (dice: Dice, { shapes: model }: Subject, scale = 1): Record<string, Float32Array> =>
  Object.fromEntries(Object.entries(model).map(([name, shape]) => [name, numbers(dice, shape, scale)]));
