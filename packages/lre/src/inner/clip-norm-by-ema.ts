import {
  above,
  flag,
  nonNegative,
  norm,
  nullable,
  perTensor,
  positive,
  resolve,
  type Setting,
  scalar,
  type Transform,
  text,
  unit,
  where,
} from '@opt/core';
import { tiny } from './tiny.ts';

export interface ClipNormByEmaOptions {
  /** β of the average, [0, 1), default 0.99. */
  readonly beta?: Setting;
  /** How much the norm of the average may grow from one step to the next, > 1, default 1.2; null: without limit. */
  readonly maxGrowth?: Setting | null;
  /** Bring every update to the norm of the average; default false: only shorten. */
  readonly normalize?: boolean;
  /** Least norm of the average after a change of basis, > 0, default 1e-2. */
  readonly minNorm?: Setting;
  /** The average starts as this multiple of the first update, ≥ 0, default 0.1. */
  readonly init?: Setting;
  /** Prefix of state keys, default 'clip-norm-by-ema'. */
  readonly name?: string;
}

/**
 * u scaled by the norm n of the average m ← βm + (1−β)u of updates, which starts at init·u. On the first step in a new basis m is
 * brought to at least minNorm, and from then on its norm grows by at most maxGrowth a step. Nothing of it is moved but m itself.
 */
export function clipNormByEma(options: ClipNormByEmaOptions = {}): Transform {
  const { name, normalize, maxGrowth, ...hyper } = resolve('clip-norm-by-ema', options, {
    beta: unit(0.99),
    maxGrowth: nullable(above(1, 1.2)),
    normalize: flag(false),
    minNorm: positive(1e-2),
    init: nonNegative(0.1),
    name: text('clip-norm-by-ema'),
  });
  return perTensor({
    name,
    hyper: { ...hyper, maxGrowth: maxGrowth ?? 1 },
    // −1: there is no previous norm before the first change of basis.
    state: ({ shape }) => ({ m: { shape, kind: 'vector' }, previous: { shape: [], kind: 'invariant', init: -1 } }),
    apply({ update: u, state: { m: held, previous: last }, hyper: { beta, minNorm, init, ...limit }, count: t, site }) {
      const { changed = scalar(0) } = site.extras;
      const moved = changed.mul(t.gt(1));
      const length = norm(held);
      const lift = where(length.gt(0), length, 1).reciprocal().mul(minNorm).max(1);
      const start = where(t.eq(1), u.mul(init), where(moved, held.mul(lift), held));
      const previous = where(moved, length.max(minNorm), last);

      const average = start.lerp(u, beta.not());
      const grown = norm(average);
      const bound = previous.mul(limit.maxGrowth).max(minNorm);
      const factor = maxGrowth === null ? scalar(1) : where(previous.lt(0), 1, grown.div(bound).max(1));
      const n = grown.div(factor);
      const s = norm(u).div(n.max(tiny(site.epsilon)));
      const scale = normalize ? s.max(tiny(site.epsilon)) : s.max(1);
      const next = maxGrowth === null ? previous : where(previous.lt(0), previous, n);
      return { update: u.div(scale), state: { m: average.div(factor), previous: next } };
    },
  });
}
