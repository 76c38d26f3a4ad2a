import type { Floats, MaybePromise, Mode } from '../backend.ts';
import { ObjectiveError } from '../errors.ts';
import { advice, describe } from '../validation/describe.ts';

/** Gradients by parameter name; one that is left out, null or undefined is missing. */
export type Gradients<N extends string, Native> = Readonly<Partial<Record<N, ArrayLike<number> | Native | null | undefined>>>;

/** One vector of the whole model, by parameter name. */
export type Values<N extends string = string> = Readonly<Record<N, Floats>>;

/** What an objective returns: at once, or a promise. */
export type Answer<M extends Mode, T> = M extends 'sync' ? T : MaybePromise<T>;

/** Gradients of every sample of a batch: b rows each, one after the other. */
export interface PerSampleGradients<N extends string = string> {
  readonly gradients: Readonly<Record<N, ArrayLike<number>>>;
  /** b losses, or the residuals ρ whose ½Σρ² is minimised. */
  readonly losses: ArrayLike<number>;
}

/**
 * What `step` can be given instead of gradients: functions it asks when it needs them, and only then. Everything is evaluated on the same
 * mini-batch throughout a step, and at the present parameters, or `at` others where those are given: all of them, by name, to be read and
 * not to be kept.
 */
export interface Objective<N extends string = string, M extends Mode = Mode, Native = never> {
  /** The gradient of the loss; given `at`, at those parameters instead of the present ones. */
  gradients(at?: Values<N>): Answer<M, Gradients<N, Native>>;
  loss?(at?: Values<N>): Answer<M, number>;
  /** The product of the Hessian with `v`. */
  hvp?(v: Values<N>, at?: Values<N>): Answer<M, Gradients<N, Native>>;
  /** Of the per-sample loss, or of the residual. Sums count, not means: scale by the batch size in the loss. */
  perSampleGradients?(): Answer<M, PerSampleGradients<N>>;
  /** b: how many samples `perSampleGradients` gives. */
  readonly samples?: number;
  /** Another probe than the one drawn, such as a direction one wants the curvature of. */
  probe?(drawn: Values<N>): Answer<M, Readonly<Record<N, ArrayLike<number>>>>;
}

/** Tells an objective from gradients. */
export const isObjective = <Native>(given: unknown): given is Objective<string, Mode, Native> =>
  typeof given === 'object' && given !== null && 'gradients' in given && typeof given.gradients === 'function';

/** Throws where a part of an objective is something else than it must be: it would be found out in a later step only. */
export function checkObjective(objective: Objective<string, Mode, unknown>): void {
  for (const part of ['loss', 'hvp', 'perSampleGradients', 'probe'] as const) {
    const given: unknown = objective[part];
    if (given !== undefined && typeof given !== 'function')
      throw new ObjectiveError(`step: ${part} of the objective must be a function, received ${describe(given)}${advice(given)}`);
  }
  const samples: unknown = objective.samples;
  if (samples !== undefined && !(typeof samples === 'number' && Number.isInteger(samples) && samples > 0))
    throw new ObjectiveError(`step: samples of the objective must be an integer >= 1, received ${describe(samples)}`);
}
