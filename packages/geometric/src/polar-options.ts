import { choice, fixed, type Option, optional, type Tensor } from '@opt/core';
import { cubic, firstOf, polarExpress, quintic, quinticSchedule, safePolarExpress, type Triple } from './coefficients.ts';
import { checked, integerIn } from './options.ts';
import { exactPolar, isDouble, newtonSchulz } from './polar.ts';

/** How `msign(M)`, the polar factor of a direction, is computed. */
export type Orthogonalization = 'svd' | 'newton-schulz' | 'polar-express' | 'cubic' | 'schedule';

/** Schedules known by name. */
export type NamedSchedule = 'quintic-schedule' | 'polar-express';

/** A polar factor of one's own: a matrix (or a batch of them) to one of its shape. `epsilon`: that of working precision. */
export type PolarFactor = (m: Tensor, epsilon: number) => Tensor;

export interface PolarOptions {
  /**
   * `'newton-schulz'`: the quintic, cheap and rough, singular values in [0.68, 1.13]. `'polar-express'`: converges. `'svd'`: exact, through
   * an eigendecomposition. `'cubic'`: only near orthonormal. `'schedule'`: the triples of `schedule`. Or a function.
   */
  readonly orthogonalization?: Orthogonalization | PolarFactor;
  /** Steps, 1..30; default 5 for 'newton-schulz', 8 for 'polar-express', 10 for 'cubic', all of a schedule. */
  readonly nsSteps?: number | null;
  /** (a, b, c) of 'newton-schulz', default (3.4445, −4.7750, 2.0315). */
  readonly nsCoefficients?: Triple | null;
  /** Triples, one a step, the last one repeated; or the name of a known list. Default 'quintic-schedule'. */
  readonly schedule?: readonly Triple[] | NamedSchedule | null;
  /** Factor of the norm that is divided by, ≥ 1; default 1.01 for Polar Express, else 1. */
  readonly safety?: number | null;
  /** For 'svd': singular values up to this times the largest are zero, [0, 0.1); default 10·max(m, n)·ε. */
  readonly rankTolerance?: number | null;
}

const isTriple = (value: unknown): value is Triple => Array.isArray(value) && value.length === 3 && value.every(Number.isFinite);
const isSchedule = (value: unknown): value is readonly Triple[] => Array.isArray(value) && value.length > 0 && value.every(isTriple);
const isNamed = (value: unknown): value is NamedSchedule => value === 'quintic-schedule' || value === 'polar-express';
const isFactor = (value: unknown): value is PolarFactor => typeof value === 'function';
const methods = choice('svd', ['svd', 'newton-schulz', 'polar-express', 'cubic', 'schedule']);

export type PolarTable = Readonly<{
  orthogonalization: Option<Orthogonalization | PolarFactor | null>;
  nsSteps: Option<number | null>;
  nsCoefficients: Option<Triple>;
  schedule: Option<readonly Triple[] | NamedSchedule>;
  safety: Option<number | null>;
  rankTolerance: Option<number | null>;
}>;

/** How `resolve` reads them; without `orthogonalization` the caller chooses by precision. */
export const polarOptions: PolarTable = {
  orthogonalization: (value, rule, option) =>
    value === undefined || value === null ? null : isFactor(value) ? value : methods(value, rule, option),
  nsSteps: optional(integerIn(5, 1, 30)),
  nsCoefficients: checked(quintic, 'three finite numbers', isTriple),
  schedule: checked(
    'quintic-schedule',
    "a list of triples of finite numbers, 'quintic-schedule' or 'polar-express'",
    (value): value is readonly Triple[] | NamedSchedule => isSchedule(value) || isNamed(value),
  ),
  safety: optional(fixed(1, { rule: 'a finite number >= 1', holds: (x) => Number.isFinite(x) && x >= 1 })),
  rankTolerance: optional(fixed(0, { rule: 'in [0, 0.1)', holds: (x) => x >= 0 && x < 0.1 })),
};

export interface ResolvedPolar {
  readonly orthogonalization: Orthogonalization | PolarFactor | null;
  readonly nsSteps: number | null;
  readonly nsCoefficients: Triple;
  readonly schedule: readonly Triple[] | NamedSchedule;
  readonly safety: number | null;
  readonly rankTolerance: number | null;
}

/** The triples of an iteration and the safety of its start. */
export function iteration(o: ResolvedPolar, method: Exclude<Orthogonalization, 'svd'>): { triples: readonly Triple[]; safety: number } {
  const { schedule } = o;
  if (method === 'polar-express' || (method === 'schedule' && schedule === 'polar-express')) {
    const safety = o.safety ?? 1.01;
    return { triples: safePolarExpress(o.nsSteps ?? polarExpress.length, safety), safety };
  }
  const safety = o.safety ?? 1;
  if (method === 'newton-schulz') return { triples: firstOf([o.nsCoefficients], o.nsSteps ?? 5), safety };
  if (method === 'cubic') return { triples: firstOf([cubic], o.nsSteps ?? 10), safety };
  const triples = typeof schedule === 'string' ? quinticSchedule : schedule;
  return { triples: firstOf(triples, o.nsSteps ?? triples.length), safety };
}

/**
 * The polar factor these options ask for. `start`: the ε added to the norm, a host scalar or a number. Without `orthogonalization`:
 * exact in f64, Polar Express in f32.
 */
export function polarFactor(o: ResolvedPolar): (m: Tensor, epsilon: number, start?: Tensor | number) => Tensor {
  return (m, epsilon, start = 0) => {
    const method = o.orthogonalization ?? (isDouble(epsilon) ? 'svd' : 'polar-express');
    if (typeof method === 'function') return method(m, epsilon);
    if (method === 'svd') return exactPolar(m, epsilon, o.rankTolerance ?? undefined);
    // A Gram matrix keeps what the quintic needs; a converging iteration is to lift singular values of 1e-3 exactly.
    const route = method === 'newton-schulz' ? 'auto' : 'direct';
    return newtonSchulz(m, { ...iteration(o, method), epsilon: start, route });
  };
}
