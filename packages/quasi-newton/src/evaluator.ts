import { describe, type MaybePromise, ObjectiveError } from '@opt/core';
import { settled, type Work } from './settled.ts';

/** f and its gradient at one place; `usable`: all of it is finite. */
export interface Evaluation {
  readonly x: Float64Array;
  readonly f: number;
  readonly g: Float64Array;
  readonly usable: boolean;
}

/** How a gradient is found: beside f, by a function of its own, or by differences of f. */
export type Slopes = 'together' | '2-point' | '3-point' | ((x: Float64Array) => unknown);

/** No further evaluation is allowed. */
export class Exhausted extends Error {
  readonly status: 'maxEvaluations' | 'aborted';

  constructor(status: Exhausted['status']) {
    super(status);
    this.status = status;
  }
}

/** As much of an AbortSignal as is looked at. */
export interface Aborting {
  readonly aborted: boolean;
}

export interface Limits {
  readonly maxEvaluations: number;
  readonly signal: Aborting | null;
}

/** Calls what the user wrote, counts, and looks at what comes back. */
export class Evaluator {
  evaluations = 0;
  gradientEvaluations = 0;
  private readonly f: (x: Float64Array) => unknown;
  private readonly slopes: Slopes;
  private readonly limits: Limits;
  /** What was found since the last iterate, so that nothing is asked twice. */
  private known: Evaluation[] = [];

  constructor(f: (x: Float64Array) => unknown, slopes: Slopes, limits: Limits) {
    this.f = f;
    this.slopes = slopes;
    this.limits = limits;
  }

  /** Forgets everything but one place. */
  keep(only: Evaluation): void {
    this.known = [only];
  }

  *at(x: Float64Array): Work<Evaluation> {
    const before = this.known.find((one) => one.x.every((value, i) => value === x[i]));
    if (before !== undefined) return before;
    const found = yield* this.evaluate(x);
    this.known.push(found);
    return found;
  }

  private *evaluate(x: Float64Array): Work<Evaluation> {
    const { slopes } = this;
    const given = yield* this.call(x);
    const [f, beside] = slopes === 'together' ? pairOf(given) : [numberOf(given), undefined];
    const nowhere = new Float64Array(x.length).fill(Number.NaN);
    if (!Number.isFinite(f)) return { x, f, g: nowhere, usable: false };
    this.gradientEvaluations++;
    if (beside !== undefined) return finished(x, f, vectorOf('f', beside, x.length));
    if (typeof slopes === 'function') {
      return finished(x, f, vectorOf('jac', slopes(x.slice()), x.length));
    }
    const g = new Float64Array(x.length);
    for (let i = 0; i < x.length; i++) g[i] = yield* this.difference(x, f, i, slopes === '3-point');
    return finished(x, f, g);
  }

  /**
   * ∂f/∂xᵢ. 2-point: (f(x + h) − f(x))/h, h = √ε·max(1, |xᵢ|), away from 0, or the other way where f is not finite there; 3-point:
   * (f(x + h) − f(x − h))/2h, h = ε^⅓·max(1, |xᵢ|).
   */
  private *difference(x: Float64Array, f: number, i: number, central: boolean): Work<number> {
    const here = x[i] ?? Number.NaN;
    const h = (central ? Math.cbrt(Number.EPSILON) : Math.sqrt(Number.EPSILON)) * Math.max(1, Math.abs(here)) * (here < 0 ? -1 : 1);
    const [up, upF] = yield* this.beside(x, i, here + h);
    const oneSided = (upF - f) / (up - here);
    if (!central && Number.isFinite(oneSided)) return oneSided;
    const [down, downF] = yield* this.beside(x, i, here - h);
    const both = (upF - downF) / (up - down);
    if (central && Number.isFinite(both)) return both;
    return Number.isFinite(oneSided) ? oneSided : (downF - f) / (down - here);
  }

  private *beside(x: Float64Array, i: number, value: number): Work<readonly [number, number]> {
    const there = x.slice();
    there[i] = value;
    return [value, numberOf(yield* this.call(there))];
  }

  private *call(x: Float64Array): Work<unknown> {
    if (this.limits.signal?.aborted === true) throw new Exhausted('aborted');
    if (this.evaluations >= this.limits.maxEvaluations) throw new Exhausted('maxEvaluations');
    this.evaluations++;
    return yield* settled(promised(this.f(x.slice())));
  }
}

const finished = (x: Float64Array, f: number, g: Float64Array): Evaluation => ({ x, f, g, usable: g.every(Number.isFinite) });

/** A promise of whichever library as one that can be told from a value. */
function promised(value: unknown): MaybePromise<unknown> {
  const thenable = typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
  return thenable ? Promise.resolve(value) : value;
}

function numberOf(given: unknown): number {
  if (typeof given === 'number') return given;
  throw new ObjectiveError(`minimize: f must give a number, received ${describe(given)}`);
}

function pairOf(given: unknown): [number, unknown] {
  if (!Array.isArray(given) || given.length !== 2)
    throw new ObjectiveError(`minimize: with jac: true, f must give [number, gradient], received ${describe(given)}`);
  return [numberOf(given[0]), given[1] ?? null];
}

function vectorOf(who: string, given: unknown, n: number): Float64Array {
  if (isNumbers(given) && given.length === n) return Float64Array.from(given);
  const what = isNumbers(given) ? `${given.length} numbers` : describe(given);
  throw new ObjectiveError(`minimize: the gradient from ${who} must be an array of ${n} numbers, received ${what}`);
}

/** An array of numbers of any kind; NaN counts as one. */
export const isNumbers = (given: unknown): given is ArrayLike<number> =>
  (Array.isArray(given) && given.every((one) => typeof one === 'number')) || given instanceof Float64Array || given instanceof Float32Array;
