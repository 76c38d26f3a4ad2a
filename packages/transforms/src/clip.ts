import {
  clipFactor,
  clipped,
  extentOf,
  mapValues,
  norm,
  perTensor,
  positive,
  record,
  resolve,
  type Setting,
  type Transform,
  where,
} from '@opt/core';

/** u ← u·c/max(‖u‖, c), per parameter; c > 0, default 1. */
export function clipNorm(options: { readonly maxNorm?: Setting } = {}): Transform {
  return perTensor({
    name: 'clip-norm',
    hyper: resolve('clipNorm', options, { maxNorm: positive(1) }),
    apply({ update: u, hyper: { maxNorm }, owner, site }) {
      site.shortens(owner, () => clipFactor([u], maxNorm));
      return { update: clipped([u], maxNorm)(u) };
    },
  });
}

/** Every entry into [−c, c]; c > 0, default 1. */
export function clipValue(options: { readonly maxValue?: Setting } = {}): Transform {
  return perTensor({
    name: 'clip-value',
    hyper: resolve('clipValue', options, { maxValue: positive(1) }),
    apply({ update: u, hyper: { maxValue }, owner, site }) {
      const update = u.min(maxValue).max(maxValue.neg());
      site.shortens(owner, () => where(norm(u).gt(norm(update)), norm(update).div(norm(u)), 1));
      return { update };
    },
  });
}

/** u ← u·c/max(‖all u‖, c), one norm over the whole model; c > 0, default 1. */
export function clipGlobalNorm(options: { readonly maxNorm?: Setting } = {}): Transform {
  const { maxNorm } = resolve('clipGlobalNorm', options, { maxNorm: positive(1) });
  return {
    name: 'clip-global-norm',
    separable: true,
    declare(_, at) {
      at.apart?.('joint');
      at.child('clip-global-norm').hyper(maxNorm);
    },
    apply(flow, site) {
      const here = site.child('clip-global-norm');
      const us = Object.values(flow.updates);
      if (us.length === 0) return flow;
      return here.writing('', () => {
        const all = here.joint('extent', { largest: [], length: [] }, () => extentOf(us));
        if (all === undefined) return { ...flow, updates: record() };
        for (const owner of Object.keys(flow.updates)) here.shortens(owner, () => clipFactor(all, here.hyper(maxNorm)));
        return { ...flow, updates: mapValues(flow.updates, clipped(all, here.hyper(maxNorm))) };
      });
    },
  };
}
