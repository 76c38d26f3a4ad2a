import {
  flag,
  noOptions,
  normalized,
  perTensor,
  positive,
  resolve,
  type Setting,
  saturate,
  scaled,
  size,
  type Transform,
  where,
} from '@opt/core';

/** Stateless changes of a direction u; g is the gradient that entered the enclosing scope. */

/** u∘[g∘u > 0] (Liang et al. 2024); `rescale` divides by the mean of the mask, at least 10⁻³. Default false. */
export function cautious(options: { readonly rescale?: boolean } = {}): Transform {
  const { rescale } = resolve('cautious', options, { rescale: flag(false) });
  return perTensor({
    name: 'cautious',
    apply({ update: u, gradient: g, site }) {
      // By signs: the product of two small numbers is 0.
      const mask = g.sign().mul(u.sign()).gt(0);
      return { update: rescale ? saturate(u.mul(mask.div(mask.mean().max(1e-3))), site.largest) : u.mul(mask) };
    },
  });
}

/** −1, 0 or 1 per entry. */
export function sign(...none: readonly never[]): Transform {
  noOptions('sign', none);
  return perTensor({ name: 'sign', apply: ({ update: u }) => ({ update: u.sign() }) });
}

/** |u| with the sign bit of g. */
export function copyGradientSign(...none: readonly never[]): Transform {
  noOptions('copyGradientSign', none);
  return perTensor({ name: 'copy-gradient-sign', apply: ({ update: u, gradient: g }) => ({ update: u.copySign(g) }) });
}

/** u/‖u‖, and 0 for u = 0. */
export function normalize(...none: readonly never[]): Transform {
  noOptions('normalize', none);
  return perTensor({ name: 'normalize', apply: ({ update: u }) => ({ update: normalized(u) }) });
}

/** u/(10⁻³⁰ + √mean(u²)): unit root mean square. */
export function normalizeRms(...none: readonly never[]): Transform {
  noOptions('normalizeRms', none);
  return perTensor({
    name: 'normalize-rms',
    apply({ update: u }) {
      const { root, length, by } = scaled([u]);
      const rms = length.max(1).div(Math.sqrt(size(u.shape)));
      const epsilon = root.reciprocal().mul(1e-30).div(root);
      return { update: by(u).div(rms.add(epsilon)) };
    },
  });
}

/** NaN, ∞ and −∞ become 0. */
export function nanToZero(...none: readonly never[]): Transform {
  noOptions('nanToZero', none);
  return perTensor({ name: 'nan-to-zero', apply: ({ update: u }) => ({ update: where(u.isFinite(), u, 0) }) });
}

/** u/s: undoes a loss scale; s > 0, default 1. */
export function unscale(options: { readonly lossScaleFactor?: Setting } = {}): Transform {
  return perTensor({
    name: 'unscale',
    hyper: resolve('unscale', options, { lossScaleFactor: positive(1) }),
    apply({ update: u, hyper: { lossScaleFactor: s }, site }) {
      // One over the very largest numbers is a denormal: these are halved on either side.
      const half = where(s.gt(site.largest / 8), 1 / 8, 1);
      return { update: saturate(u.mul(half).div(s.mul(half)), site.largest) };
    },
  });
}
