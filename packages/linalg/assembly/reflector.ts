// Householder reflectors H = I − τ·u·uᵀ.
import { get, scale, set, sumOfSquares } from './element';

/**
 * Turns a vector, `rest` [k] and one element more at `unit`, into the reflector u that maps it to β times a unit vector: u is 1 at `unit`.
 * Returns β; τ goes to `tau`. Matrices are scaled to 1: below the least norm the rest is dropped, far under rounding, as its square would
 * not be a normal number.
 */
export function reflector(Z: usize, k: i32, rest: usize, unit: usize, tau: usize): f64 {
  const alpha = get(Z, unit);
  const size = Math.sqrt(sumOfSquares(Z, k, rest));
  set(Z, unit, 1);
  if (size < (Z == 8 ? 1e-140 : 1e-30)) {
    set(Z, tau, 0);
    memory.fill(rest, 0, <usize>k * Z);
    return alpha;
  }
  const norm = Math.sqrt(alpha * alpha + size * size);
  const beta = alpha > 0 ? -norm : norm;
  set(Z, tau, (beta - alpha) / beta);
  scale(Z, k, 1 / (alpha - beta), rest);
  return beta;
}
