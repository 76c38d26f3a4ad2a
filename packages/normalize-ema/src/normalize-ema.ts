import {
  above,
  chain,
  fixed,
  flag,
  type Hyper,
  mapValues,
  merged,
  message,
  nullable,
  OptionTypeError,
  positive,
  type Rule,
  record,
  required,
  requiredRule,
  resolve,
  type Setting,
  type Site,
  saturate,
  scalar,
  scaled,
  type Tensor,
  type Tensors,
  type Transform,
  text,
  unit,
  where,
} from '@opt/core';

export interface NormalizeEmaOptions {
  /** β of the average of past updates, [0, 1), default 0.99. */
  readonly emaBeta?: Setting;
  /** γ > 1, default 1.1: how much the norm of the average may grow from one step to the next; null: without limit. */
  readonly maxEmaGrowth?: Setting | null;
  /** q ≥ 1 of the vector norm, or Infinity; default 2. */
  readonly normOrder?: number;
  /** Least norm that is divided by, > 0, default 1e-6. */
  readonly normEpsilon?: Setting;
  /** Least value of the growth limit, > 0, default 1e-6. */
  readonly minNorm?: Setting;
  /** Only ever shorten an update. Default false. */
  readonly clipOnly?: boolean;
  /** One norm per parameter (default), or one over the whole model. */
  readonly perTensor?: boolean;
  /** Prefix of state keys, default 'normalize-ema'. */
  readonly name?: string;
}

/** `normalizeEma`'s options and the optimizer whose direction is rescaled. */
export interface NormalizeEmaRuleOptions extends NormalizeEmaOptions {
  readonly base: Rule;
}

/**
 * Update-norm momentum: any optimizer, its direction u rescaled to the norm of the moving average of its past directions,
 *
 *     e ← βe + (1−β)u     n = ‖e‖     c = max(1, n / max(γ·n_previous, minNorm))     e ← e/c     n ← n/c
 *     ρ = max(‖u‖ / max(n, normEpsilon), normEpsilon)     u ← u/ρ
 *
 * so that ‖u‖ becomes n, which starts at (1−β)‖u‖: a built-in warm-up. With `clipOnly`, ρ is at least 1 and nothing is
 * lengthened. Bias correction, learning rate and decay of the base apply afterwards: η means something else than without the wrapper.
 * While the first update of all is 0, nothing changes (a parameter behind a zero-initialised layer would else take 180 calls to wake).
 *
 * Source: inikishev, SOAP with update norm momentum (2025).
 *
 * @throws OptionTypeError where `base` is not a rule · OptionRangeError, OptionTypeError for the other options
 */
export function normalizeEma(options: NormalizeEmaRuleOptions): Rule {
  if (typeof options !== 'object' || options === null) throw new OptionTypeError(message('normalize-ema', 'options', 'an object', options));
  const { base, ...rest } = options;
  const rescale = normalizeByEma(rest);
  return requiredRule(base, rest.name ?? 'normalize-ema', 'base').mapDirection((direction) => chain(direction, rescale));
}

/** The rescaling alone, as a stage for chains of one's own. */
export function normalizeByEma(options: NormalizeEmaOptions = {}): Transform {
  const { name, normOrder, clipOnly, perTensor, maxEmaGrowth, ...hypers } = resolve('normalize-ema', options, {
    emaBeta: unit(0.99),
    maxEmaGrowth: nullable(above(1, 1.1)),
    normOrder: fixed(2, { rule: 'a number >= 1 or Infinity', holds: (q) => q >= 1 }),
    normEpsilon: positive(1e-6),
    minNorm: positive(1e-6),
    clipOnly: flag(false),
    perTensor: flag(true),
    name: text('normalize-ema'),
  });

  /** Rescales the updates of one group, which share a norm. */
  function rescale(owners: readonly string[], key: string, updates: Tensors, here: Site): Tensors {
    const { emaBeta, normEpsilon, minNorm } = mapValues(hypers, (hyper) => here.hyper(hyper));
    const us = owners.map((owner) => required(updates, owner, 'update'));
    const previous = here.get('previous', key);
    const update = scaled(us, undefined, normOrder);

    const averages = owners.map((owner, i) => {
      const e = here.get('average', owner);
      return saturate(e.lerp(us[i] ?? e, emaBeta.not()), here.largest);
    });
    const average = scaled(averages, undefined, normOrder);
    const limit =
      maxEmaGrowth === null
        ? scalar(here.largest)
        : where(previous.lt(0), average.norm, previous).mul(here.hyper(maxEmaGrowth)).max(minNorm).min(here.largest);
    const n = average.norm.min(limit);
    averages.forEach((e, i) => {
      here.set('average', owners[i] ?? '', where(average.norm.gt(limit), average.to(e, limit), e));
    });
    here.set('previous', key, where(previous.lt(0).mul(update.norm.eq(0)), previous, n));

    const target = n.max(normEpsilon);
    const rescaled = (u: Tensor): Tensor =>
      clipOnly ? where(update.norm.gt(target), update.to(u, target), u) : update.to(u, update.norm.div(normEpsilon).min(target));
    return record(owners.map((owner, i) => [owner, rescaled(us[i] ?? target)] as const));
  }

  return {
    name,
    declare(parameters, at) {
      const here = at.child(name);
      for (const hyper of [...Object.values<Hyper>(hypers), ...(maxEmaGrowth === null ? [] : [maxEmaGrowth])]) here.hyper(hyper);
      for (const [owner, shape] of Object.entries(parameters)) {
        here.slot('average', owner, { shape, kind: 'vector' });
        if (perTensor) here.slot('previous', owner, unset);
      }
      if (!perTensor) here.slot('previous', shared, unset);
    },
    apply(flow, site) {
      const here = site.child(name);
      const owners = Object.keys(flow.updates);
      if (owners.length === 0) return flow;
      const updates = perTensor
        ? merged(...owners.map((owner) => here.writing(owner, () => rescale([owner], owner, flow.updates, here))))
        : here.writing(shared, () => rescale(owners, shared, flow.updates, here));
      return { ...flow, updates };
    },
  };
}

/** The owner of what belongs to all parameters together. */
const shared = '';
/** −1: there is no previous norm yet. */
const unset = { shape: [], kind: 'invariant', init: -1 } as const;
