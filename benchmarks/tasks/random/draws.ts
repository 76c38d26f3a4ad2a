import type { Draw } from '../../../examples/race/src/stream.ts';

/**
 * Standard normal numbers in pairs from two draws: r = √(−2 ln(1 − u₁)), z₀ = r cos 2πu₂, z₁ = r sin 2πu₂. A left-over z₁ is thrown
 * away. In float64.
 */
export function normals(draw: Draw, count: number): Float64Array {
  const values = new Float64Array(count);
  for (let i = 0; i < count; i += 2) {
    const r = Math.sqrt(-2 * Math.log(1 - draw()));
    const angle = 2 * Math.PI * draw();
    values[i] = r * Math.cos(angle);
    // Beyond the end nothing is stored.
    values[i + 1] = r * Math.sin(angle);
  }
  return values;
}

/** Uniform numbers in ±bound: (2u − 1)·bound, rounded once. */
export const uniform = (draw: Draw, count: number, bound: number): Float32Array =>
  Float32Array.from({ length: count }, () => (2 * draw() - 1) * bound);
