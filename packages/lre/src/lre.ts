import {
  chain,
  concatenated,
  flag,
  inBasis,
  integer,
  message,
  nonNegative,
  type Option,
  OptionTypeError,
  type Rule,
  resolve,
  rule,
  type Setting,
  stage,
  type Transform,
} from '@opt/core';
import { ggt, type LowRankBasis } from '@opt/lre-basis';
import { type Curvature, covariance } from '@opt/lre-curvature';
import { adam, cautious, descend, type GeneralOptions, general, generalOptions } from '@opt/transforms';
import { clipNormByEma } from './inner/clip-norm-by-ema.ts';
import { lowRank } from './low-rank.ts';

export interface LreOptions extends GeneralOptions {
  /** η ≥ 0, default 1e-2. */
  readonly learningRate?: Setting;
  /** Which matrix is tracked; default `covariance()` of gradients. */
  readonly curvature?: Curvature;
  /** How; default `ggt()`: the last 100 corrections. */
  readonly basis?: LowRankBasis;
  /** What runs in the basis, one stage or several in a row; default Adam with β₂ = 0.99, cautious, its norm that of an average. */
  readonly inner?: Transform | readonly Transform[];
  /** f: every how many steps the basis is refreshed, integer ≥ 1, default 1. */
  readonly updateFreq?: number;
  /** Corrections Y Zᵀ become ¼(Y+Z)(Y+Z)ᵀ; default true. With false they become their symmetric part, which some bases refuse. */
  readonly symmetrize?: boolean;
  /** Steps at the beginning that only build the basis, integer ≥ 0, default 0. */
  readonly initSteps?: number;
}

/**
 * LRE (inikishev 2025): any optimizer in a low-rank eigenbasis. All parameters are one vector x. A curvature gives corrections of a
 * matrix A, a basis tracks its leading eigenpairs QLQᵀ, and
 *
 *     p = Qᵀg     u = inner(p)     x ← x − η·Qu
 *
 * When Q changes, the state of `inner` moves along with C = Q_newᵀQ_old. What of g lies outside of Q is left out.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option · TransformError where curvature, basis and inner do not fit
 */
export function lre(options: LreOptions = {}): Rule {
  const o = resolve('lre', options, {
    ...generalOptions('lre'),
    learningRate: nonNegative(1e-2),
    curvature: part<Curvature>('a curvature such as covariance()', 'observe', covariance),
    basis: part<LowRankBasis>('a basis such as ggt()', 'update', ggt),
    inner: stages,
    updateFreq: integer(1),
    symmetrize: flag(true),
    initSteps: integer(0, 0),
  });
  const inner = o.inner ?? [adam({ beta2: 0.99 }), cautious(), clipNormByEma({ normalize: true })];
  const direction = inBasis(lowRank(o), chain(...inner));
  return general(o, rule(concatenated(direction), descend({ learningRate: o.learningRate })));
}

/** An option that takes an object with a certain method; the method tells a curvature from a basis. */
function part<T extends object>(expected: string, method: keyof T & string, fallback: () => T): Option<T> {
  const is = (value: unknown): value is T => typeof value === 'object' && value !== null && method in value;
  return (value, owner, option) => {
    if (value === undefined) return fallback();
    if (!is(value)) throw new OptionTypeError(message(owner, option, expected, value));
    return value;
  };
}

/** One stage or several. */
const stages: Option<readonly Transform[] | null> = (value, owner, option) => {
  if (value === undefined) return null;
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.map((item) => {
    const transform = stage(item, owner, option);
    if (transform === null) throw new OptionTypeError(message(owner, option, 'a transform such as adam(), or a list of them', item));
    return transform;
  });
};
