import {
  above,
  flag,
  nonNegative,
  nullable,
  perTensor,
  positive,
  resolve,
  type Setting,
  saturate,
  scalar,
  scaled,
  type Transform,
  text,
  unit,
  where,
} from '@opt/core';

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
    apply({ update: u, state: { m: held, previous: last }, hyper: { beta, minNorm, init, ...limit }, count: t, site, owner }) {
      const { changed = scalar(0) } = site.extras;
      const moved = changed.mul(t.gt(1));
      const past = scaled([held]);
      const lifted = where(past.norm.lt(minNorm), past.to(held, minNorm), held);
      const start = where(t.eq(1), saturate(u.mul(init), site.largest), where(moved, lifted, held));
      const previous = where(moved, past.norm.max(minNorm).min(site.largest), last);

      const average = saturate(start.lerp(u, beta.not()), site.largest);
      const { norm: grown, to } = scaled([average]);
      const growth = previous.mul(limit.maxGrowth).max(minNorm).min(site.largest);
      const bound = maxGrowth === null ? scalar(site.largest) : where(previous.lt(0), site.largest, growth);
      const n = grown.min(bound);
      const now = scaled([u]);
      const target = n.max(site.smallest);
      if (!normalize) site.shortens(owner, () => where(now.norm.gt(target), target.div(now.norm), 1));
      const update = normalize ? now.to(u, target) : where(now.norm.gt(target), now.to(u, target), u);
      const next = maxGrowth === null ? previous : where(previous.lt(0), previous, n);
      return { update, state: { m: where(grown.gt(bound), to(average, bound), average), previous: next } };
    },
  });
}
