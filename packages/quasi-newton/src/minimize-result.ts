/** Why a minimisation ended; the first two are successes. */
export type MinimizeStatus = 'gtol' | 'ftol' | 'maxIterations' | 'maxEvaluations' | 'callback' | 'aborted' | 'lineSearch' | 'nonFinite';

export interface MinimizeResult {
  /** Where the last iteration arrived, f there, and its gradient. */
  readonly x: Float64Array;
  readonly fun: number;
  readonly jac: Float64Array;
  readonly iterations: number;
  /** Calls of f, those for differences among them. */
  readonly evaluations: number;
  /** Gradients that were found, whichever way. */
  readonly gradientEvaluations: number;
  /** Whether a tolerance was met. */
  readonly success: boolean;
  readonly status: MinimizeStatus;
  readonly message: string;
}
