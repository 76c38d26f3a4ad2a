import { GradientError } from '../errors.ts';
import { printShape } from '../program/shape.ts';
import type { Shapes } from '../transform/transform.ts';

/** Throws on a gradient that belongs to no parameter, or is of the wrong length or type; builds no message otherwise. */
export function validateGradients(shapes: Shapes, sizes: ReadonlyMap<string, number>, gradients: Readonly<Record<string, unknown>>): void {
  for (const name in gradients) {
    const size = sizes.get(name);
    const gradient = gradients[name];
    if (size === undefined) {
      throw new GradientError(`step: gradient '${name}' belongs to no parameter, known are ${[...sizes.keys()].join(', ')}`);
    }
    // null is a missing gradient; what an object is, the backend knows.
    const fits = isArrayLike(gradient) ? gradient.length === size : gradient === undefined || typeof gradient === 'object';
    if (!fits) throw refusal(name, `${size} elements (shape ${printShape(shapes[name] ?? [])})`, gradient);
  }
}

const refusal = (name: string, wanted: string, gradient: unknown): GradientError =>
  isArrayLike(gradient)
    ? new GradientError(`step: gradient of '${name}' must have ${wanted}, received ${gradient.length}`)
    : new GradientError(`step: gradient of '${name}' must be an array of ${wanted}, received ${typeof gradient}`);

const isArrayLike = (value: unknown): value is ArrayLike<number> =>
  typeof value === 'object' && value !== null && 'length' in value && typeof value.length === 'number';
