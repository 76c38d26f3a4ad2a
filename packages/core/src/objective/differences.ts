import type { Floats } from '../backend.ts';
import { mapValues } from '../records.ts';
import type { Values } from './objective.ts';

/** How a product with the Hessian comes from gradients: (g(x + δ) − g(x))/h or (g(x + δ) − g(x − δ))/(2h), times ‖z‖. */
export interface Differences {
  readonly method: 'forward' | 'central';
  /** Length of the shift δ = h·z/‖z‖; about h/√d per coordinate, which in f32 should stay above 1e-4 of a weight. */
  readonly h: number;
}

/** ‖z‖ over the whole model. */
export function length(z: Values): number {
  let sum = 0;
  for (const part of Object.values(z)) for (const x of part) sum += x * x;
  return Math.sqrt(sum);
}

/** δ = h·z/‖z‖; 0 for z = 0. */
export function displacement(z: Values, h: number): Values {
  const n = length(z);
  return mapValues(z, (part) => part.map((x) => (n === 0 ? 0 : (h * x) / n)));
}

/** A copy of x moved by `sign`·δ; x itself is not touched. */
export const shifted = (x: Values, delta: Values, sign: 1 | -1): Values =>
  mapValues(x, (part, name) => part.map((value, i) => value + sign * (delta[name]?.[i] ?? 0)));

/** ‖z‖·(up − down)/span: the product that two gradients `span` apart along z/‖z‖ stand for. */
export function quotient(
  z: Values,
  up: Readonly<Record<string, ArrayLike<number>>>,
  down: Readonly<Record<string, ArrayLike<number>>>,
  span: number,
): Record<string, Floats> {
  const n = length(z);
  return mapValues(z, (part, name) =>
    Float64Array.from(part, (_, i) => (n === 0 ? 0 : (n * ((up[name]?.[i] ?? 0) - (down[name]?.[i] ?? 0))) / span)),
  );
}
