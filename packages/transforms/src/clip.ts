import { clipped, mapValues, perTensor, positive, resolve, type Setting, type Transform } from '@opt/core';

/** u ← u·c/max(‖u‖, c), per parameter; c > 0, default 1. */
export function clipNorm(options: { readonly maxNorm?: Setting } = {}): Transform {
  return perTensor({
    name: 'clip-norm',
    hyper: resolve('clipNorm', options, { maxNorm: positive(1) }),
    apply: ({ update: u, hyper: { maxNorm } }) => ({ update: clipped([u], maxNorm)(u) }),
  });
}

/** Every entry into [−c, c]; c > 0, default 1. */
export function clipValue(options: { readonly maxValue?: Setting } = {}): Transform {
  return perTensor({
    name: 'clip-value',
    hyper: resolve('clipValue', options, { maxValue: positive(1) }),
    apply: ({ update: u, hyper: { maxValue } }) => ({ update: u.min(maxValue).max(maxValue.neg()) }),
  });
}

/** u ← u·c/max(‖all u‖, c), one norm over the whole model; c > 0, default 1. */
export function clipGlobalNorm(options: { readonly maxNorm?: Setting } = {}): Transform {
  const { maxNorm } = resolve('clipGlobalNorm', options, { maxNorm: positive(1) });
  return {
    name: 'clip-global-norm',
    declare: (_, at) => at.child('clip-global-norm').hyper(maxNorm),
    apply(flow, site) {
      const here = site.child('clip-global-norm');
      const us = Object.values(flow.updates);
      if (us.length === 0) return flow;
      return here.writing('', () => ({ ...flow, updates: mapValues(flow.updates, clipped(us, here.hyper(maxNorm))) }));
    },
  };
}
