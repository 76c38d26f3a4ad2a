/** A sum of squares f = Σ rᵢ², as Moré, Garbow and Hillstrom (ACM TOMS 7, 1981) give them. */
export interface LeastSquares {
  readonly name: string;
  readonly start: readonly number[];
  /** Values of f at its known minima; any of them counts. */
  readonly minima: readonly number[];
  residuals(x: ArrayLike<number>): number[];
  /** ∂rᵢ/∂xⱼ, by i and j. */
  jacobian(x: ArrayLike<number>): number[][];
}

/** f(1), …, f(n). */
export const from = (n: number, f: (i: number) => number): number[] => Array.from({ length: n }, (_, i) => f(i + 1));
export const rows = (n: number, f: (i: number) => number[]): number[][] => Array.from({ length: n }, (_, i) => f(i + 1));
/** An array as formulas count it, from 1. */
export const counted =
  (x: ArrayLike<number>) =>
  (i: number): number =>
    x[i - 1] ?? Number.NaN;
export const sum = (n: number, f: (j: number) => number): number => from(n, f).reduce((total, one) => total + one, 0);

export const lossOf = ({ residuals }: LeastSquares, x: ArrayLike<number>): number => residuals(x).reduce((total, r) => total + r * r, 0);

/** 2Jᵀr. */
export function gradientOf({ residuals, jacobian }: LeastSquares, x: ArrayLike<number>): number[] {
  const r = residuals(x);
  const gradient: number[] = Array.from(x, () => 0);
  jacobian(x).forEach((line, i) => {
    line.forEach((one, j) => {
      gradient[j] = (gradient[j] ?? 0) + 2 * (r[i] ?? 0) * one;
    });
  });
  return gradient;
}

/** Whether f is as low as at a minimum: to 10⁻⁷ of where it began, and of the larger of 1 and what it is there. */
export const isSolved = (problem: LeastSquares, f: number): boolean =>
  problem.minima.some((least) => f - least <= 1e-7 * Math.min(lossOf(problem, problem.start) - least, Math.max(1, least)));
