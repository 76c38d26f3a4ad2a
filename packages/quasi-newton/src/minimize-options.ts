import { type Backend, choice, describe, fixed, integer, type Mode, message, OptionTypeError, resolve } from '@opt/core';
import { type Aborting, isNumbers, type Slopes } from './evaluator.ts';
import type { MinimizeResult } from './minimize-result.ts';

export type Vector = readonly number[] | Float64Array | Float32Array;

export interface MinimizeOptions<B = Backend<Mode, Mode, never, unknown>> {
  /** Only `'lbfgs'`, which is the default. */
  readonly method?: 'lbfgs';
  /**
   * The gradient of f; or true: f gives [value, gradient], or a promise of it; or differences of f, `'2-point'` (default) of relative error 10⁻⁸, or `'3-point'` of
   * 10⁻¹¹ at twice the price.
   */
  readonly jac?: ((x: Float64Array) => Vector) | true | '2-point' | '3-point';
  /** It ends where max|g| is at most this, default 1e-5. */
  readonly gtol?: number;
  /** It ends where an iteration lowers f by at most this times max(|f|, 1), default 2.2e-9; 0: where it does not lower f at all. */
  readonly ftol?: number;
  /** Integer ≥ 1, default 15000. */
  readonly maxIterations?: number;
  /** Of f, those for differences among them: integer ≥ 1, default 15000. No more are made, also in the middle of a line search. */
  readonly maxEvaluations?: number;
  /** h, integer ≥ 1, default 10: pairs that are kept. */
  readonly historySize?: number;
  /** Called after every iteration with what would be the result; it ends where it returns true. */
  readonly callback?: ((intermediate: MinimizeResult) => unknown) | null;
  /** It ends when this is aborted: asked before every evaluation. */
  readonly signal?: Aborting | null;
  /** What runs it, default `reference()`: f64. It is not disposed of. */
  readonly backend?: B | null;
}

interface ResolvedMinimize {
  readonly f: (x: Float64Array) => unknown;
  readonly slopes: Slopes;
  readonly gtol: number;
  readonly ftol: number;
  readonly maxIterations: number;
  readonly maxEvaluations: number;
  readonly historySize: number;
  readonly callback: ((intermediate: MinimizeResult) => unknown) | null;
  readonly signal: Aborting | null;
  readonly backend: Backend<Mode, Mode, never, unknown> | null;
}

const tolerance = { rule: 'a finite number >= 0', holds: (x: number): boolean => Number.isFinite(x) && x >= 0 };
/** What scipy.optimize.minimize takes, and L-BFGS as it is here does not. */
const refused = ['bounds', 'constraints', 'hess', 'hessp'] as const;

/** @throws OptionRangeError · OptionTypeError */
export function resolveMinimize(f: unknown, options: MinimizeOptions): ResolvedMinimize {
  if (!isFunction(f)) throw new OptionTypeError(message('minimize', 'f', 'a function of x that gives a number', f));
  for (const name of refused) {
    if (typeof options === 'object' && options !== null && Object.hasOwn(options, name))
      throw new OptionTypeError(
        `minimize: ${name} are not supported: this is unconstrained L-BFGS; substitute variables (such as x = eᵘ for x > 0) or add a penalty to f`,
      );
  }
  const { jac, ...rest } = resolve('minimize', options, {
    method: choice('lbfgs', ['lbfgs']),
    jac: slopesOf,
    gtol: fixed(1e-5, tolerance),
    ftol: fixed(2.2e-9, tolerance),
    maxIterations: integer(15_000),
    maxEvaluations: integer(15_000),
    historySize: integer(10),
    callback: (value, called, option) => {
      if (value === undefined || value === null) return null;
      if (isFunction(value)) return value;
      throw new OptionTypeError(message(called, option, 'a function', value));
    },
    signal: (value, called, option) => {
      if (value === undefined || value === null) return null;
      if (isAborting(value)) return value;
      throw new OptionTypeError(message(called, option, 'an AbortSignal', value));
    },
    backend: (value, called, option) => {
      if (value === undefined || value === null) return null;
      if (isBackend(value)) return value;
      throw new OptionTypeError(message(called, option, 'a backend such as reference() or wasm()', value));
    },
  });
  return { ...rest, f, slopes: jac };
}

function slopesOf(value: unknown, called: string, option: string): Slopes {
  if (value === undefined) return '2-point';
  if (value === true) return 'together';
  if (value === '2-point' || value === '3-point') return value;
  if (isFunction(value)) return value;
  throw new OptionTypeError(message(called, option, "a function, true, '2-point' or '3-point'", value));
}

/** A copy of where to begin. @throws OptionTypeError */
export function startOf(x0: unknown): Float64Array {
  if (!isNumbers(x0) || x0.length === 0) throw new OptionTypeError(message('minimize', 'x0', 'an array of at least one number', x0));
  const x = Float64Array.from(x0);
  const odd = x.findIndex((value) => !Number.isFinite(value));
  if (odd >= 0) throw new OptionTypeError(`minimize: x0 must be finite, received ${describe(x[odd])} at [${odd}]`);
  return x;
}

const isAborting = (value: unknown): value is Aborting =>
  typeof value === 'object' && value !== null && 'aborted' in value && typeof value.aborted === 'boolean';
const isFunction = (value: unknown): value is (...given: unknown[]) => unknown => typeof value === 'function';
const isBackend = (value: unknown): value is Backend<Mode, Mode, never, unknown> =>
  typeof value === 'object' && value !== null && 'compile' in value && 'precision' in value;
