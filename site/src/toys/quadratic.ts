export type Vector = readonly [number, number, number];

export interface Ball {
  /** How much steeper the steepest direction is than the flattest. */
  readonly condition: number;
}

/** The axes of the quadratic, orthonormal: flattest, middle, steepest. */
const axes: readonly [Vector, Vector, Vector] = [
  [1 / 3, 2 / 3, 2 / 3],
  [2 / 3, 1 / 3, -2 / 3],
  [2 / 3, -2 / 3, 1 / 3],
];

/** The flattest direction, where the loss on the sphere is smallest. */
export const flattest: Vector = axes[0];

/** ½ Σ λ_i (a_iᵀw)², λ from 1 to the condition; on the sphere smallest at ±a_1, without it at 0. */
export function loss({ condition }: Ball, w: Vector): { readonly value: number; readonly gradient: Vector } {
  const slopes = [1, Math.sqrt(condition), condition];
  let value = 0;
  let gradient: Vector = [0, 0, 0];
  axes.forEach((axis, i) => {
    const along = dot(axis, w);
    const pull = (slopes[i] ?? 0) * along;
    value += 0.5 * pull * along;
    gradient = [gradient[0] + pull * axis[0], gradient[1] + pull * axis[1], gradient[2] + pull * axis[2]];
  });
  return { value, gradient };
}

export const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

export const length = (w: Vector): number => Math.sqrt(dot(w, w));
