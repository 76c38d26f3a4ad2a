import { guarded, subjects, transforms, type Wrapper, wrappers } from '@opt/backend-contract';
import { type Objective, type Shape, skipNonFinite, type Transform } from '@opt/core';
import { asking, objectiveOf, type Poison } from './asking.ts';
import type { Dice } from './dice.ts';

type Values = Readonly<Record<string, Float32Array>>;

/** An optimizer and a model, drawn. */
export interface Subject {
  readonly label: string;
  readonly make: () => Transform;
  /** Whether it is given objectives. */
  readonly asks: boolean;
  readonly shapes: Readonly<Record<string, Shape>>;
  readonly start: Readonly<Record<string, { readonly shape: Shape; readonly data: Float32Array }>>;
}

const all = subjects(transforms).filter(({ record }) => record.from !== '@opt/lre-curvature');
const shapes: readonly Shape[] = [[], [1], [3], [7], [3, 3], [4, 3], [2, 5], [6, 4], [2, 2, 2], [3, 2, 1, 2]];

/** Those of the contract's that are content with gradients: those that are not are `asking`. */
const plain = all.filter(({ label }) => !/hessian|hutchinson|bfgs|sr1|shor|newton|fisher|loss|needs/i.test(label));

export function drawSubject(dice: Dice): Subject {
  const subject = dice.pick(plain);
  const wrapper: Wrapper = dice.next() < 0.5 ? dice.pick(wrappers.slice(0, 1)) : dice.pick(wrappers);
  const model: Record<string, Shape> = { w: [4, 3] };
  for (let i = dice.below(4); i > 0; i--) model[`p${i}`] = dice.pick(shapes);
  const start = Object.fromEntries(Object.entries(model).map(([name, shape]) => [name, { shape, data: numbers(dice, shape, 1) }] as const));
  if (dice.next() < 0.2) {
    const { label, make } = dice.pick(asking);
    return { label, make: () => skipNonFinite(make()), asks: true, shapes: model, start };
  }
  return { label: `${subject.label} ${wrapper.name}`, make: () => guarded(subject, wrapper), asks: false, shapes: model, start };
}

/** A step with these gradients, from an objective where one is asked. */
export function stepOf<T>(
  optimizer: { step(given: Values | Objective<string, 'sync'>): T },
  { asks }: Subject,
  of: Values,
  poison?: Poison,
): T {
  return optimizer.step(asks ? objectiveOf(of, poison) : of);
}

export const sizeOf = (shape: Shape): number => shape.reduce((product, n) => product * n, 1);

export const numbers = (dice: Dice, shape: Shape, scale: number): Float32Array =>
  Float32Array.from({ length: sizeOf(shape) }, () => scale * dice.normal());

/** A gradient for each parameter: noise. */
export const gradients = (dice: Dice, { shapes: model }: Subject, scale = 1): Record<string, Float32Array> =>
  Object.fromEntries(Object.entries(model).map(([name, shape]) => [name, numbers(dice, shape, scale)]));
