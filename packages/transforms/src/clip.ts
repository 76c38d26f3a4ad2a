import { concat, mapValues, norm, perTensor, positive, resolve, type Setting, type Transform } from '@opt/core';

/** u ← u·c/max(‖u‖, c), per parameter; c > 0, default 1. */
export function clipNorm(options: { readonly maxNorm?: Setting } = {}): Transform {
  return perTensor({
    name: 'clip-norm',
    hyper: resolve('clipNorm', options, { maxNorm: positive(1) }),
    apply: ({ update: u, hyper: { maxNorm } }) => ({ update: u.mul(maxNorm.div(norm(u).max(maxNorm))) }),
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
      if (Object.keys(flow.updates).length === 0) return flow;
      return here.writing('', () => {
        const c = here.hyper(maxNorm);
        const total = norm(concat(Object.values(flow.updates).map((u) => norm(u).reshape([1]))));
        const factor = c.div(total.max(c));
        return { ...flow, updates: mapValues(flow.updates, (u) => u.mul(factor)) };
      });
    },
  };
}
