import { mapValues, perTensor, positive, resolve, type Setting, scaled, type Tensor, type Transform, where } from '@opt/core';

/** u ← u·c/max(‖u‖, c), per parameter; c > 0, default 1. */
export function clipNorm(options: { readonly maxNorm?: Setting } = {}): Transform {
  return perTensor({
    name: 'clip-norm',
    hyper: resolve('clipNorm', options, { maxNorm: positive(1) }),
    apply: ({ update: u, hyper: { maxNorm } }) => ({ update: clip([u], maxNorm)(u) }),
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
        return { ...flow, updates: mapValues(flow.updates, clip(Object.values(flow.updates), here.hyper(maxNorm))) };
      });
    },
  };
}

/**
 * How to bring tensors to a norm of at most c together: u·c/max(‖all u‖, c). That norm is σ²ℓ with σ² the largest element; where it is more than
 * c, u/σ² is brought to c/ℓ, because the norm may be more than there are numbers for, and c over it less.
 */
function clip(us: readonly Tensor[], c: Tensor): (u: Tensor) => Tensor {
  const { root, length } = scaled(us);
  const clips = length.mul(root).mul(root).gt(c);
  const inverse = where(clips, root.reciprocal(), 1);
  const factor = where(clips, c.div(length), 1);
  return (u) => u.mul(inverse).mul(inverse).mul(factor);
}
