import {
  choice,
  debias,
  exact,
  fixed,
  type Hyper,
  integer,
  moderate,
  type Need,
  nonNegative,
  positive,
  type Rule,
  resolve,
  rule,
  type Setting,
  type Site,
  saturate,
  type Tensor,
  type Transform,
  unit,
} from '@opt/core';
import { decay, descend, type GeneralOptions, general, generalOptions } from '@opt/transforms';

interface Shared extends GeneralOptions {
  /** η ≥ 0. */
  readonly learningRate?: Setting;
  /** Weight of the past in the mean m, [0, 1). */
  readonly beta1?: Setting;
  /** Weight of the past in the curvature h, [0, 1). */
  readonly beta2?: Setting;
  /** λ ≥ 0. */
  readonly weightDecay?: Setting;
  /** The curvature is estimated in the first step and in every so many after it: integer ≥ 1, default 10. */
  readonly curvatureEvery?: number;
}

export interface SophiaHOptions extends Shared {
  /** γ > 0, default 10: entries with m beyond γh take a step of the sign. */
  readonly gamma?: Setting;
  /** Exact products of the objective's `hvp` (default), or differences of its `gradients`. */
  readonly hvpMethod?: 'autograd' | 'forward' | 'central';
  /** Length of the shift for differences, > 0, default 1e-3. */
  readonly h?: number;
}

/**
 * Sophia with Hutchinson's estimate (Liu et al. 2023): Newton's step per entry, clipped to a step of the sign.
 *
 *     p ← p(1 − ηλ)     m ← β₁m + (1−β₁)g     p ← p − η/(1−β₁ᵗ)·sign(m)∘min(1, |m|/(γ·max(h, 0) + 10⁻¹²))
 *     then, every so many steps, h ← β₂h + (1−β₂)·z∘Hz with a Rademacher z
 *
 * h is not corrected for bias, and 0 before the first estimate: steps of the sign. So are entries of negative curvature. Defaults:
 * η 1e-3, β (0.9, 0.99), λ 0.01. `step` wants an objective with `hvp` where the curvature is due.
 *
 * Source: Liuhong99/Sophia, class SophiaH of 01af183.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option · ObjectiveError where a product is due and cannot be had
 */
export function sophiaH(options: SophiaHOptions = {}): Rule {
  const o = resolve('sophia-h', options, {
    ...generalOptions('sophia-h'),
    learningRate: nonNegative(1e-3),
    beta1: unit(0.9),
    beta2: exact(unit(0.99)),
    weightDecay: nonNegative(0.01),
    curvatureEvery: integer(10),
    gamma: positive(10),
    hvpMethod: choice('autograd', ['autograd', 'forward', 'central']),
    h: fixed(1e-3, { rule: 'a finite number > 0', holds: (x) => Number.isFinite(x) && x > 0 }),
  });
  const { name, learningRate, weightDecay, hvpMethod: method, h } = o;
  const hint = "or set hvpMethod to 'central', which needs gradients only";
  const direction = sophia({
    ...o,
    need: { what: 'hvp', by: name, ...(method === 'autograd' ? { hint } : { differences: { method, h } }) },
    bound: (curvature, here) => curvature.max(0).mul(here.hyper(o.gamma)).add(1e-12),
    hypers: [o.gamma],
    corrects: true,
    probe: (owner, g, here) => here.probe(owner, here.draw('z', owner, 'rademacher', g.shape)),
    estimate(owner, g, here) {
      const { z, Hz } = here.product(owner, g.shape);
      return z.mul(Hz);
    },
  });
  return general(o, rule(direction, decay({ learningRate, weightDecay }), descend({ learningRate })));
}

export interface SophiaGOptions extends Shared {
  /** ρ > 0, default 0.04: entries with m beyond ρBh take a step of the sign. */
  readonly rho?: Setting;
  /** B > 0, default 1: how many terms the sampled gradient is the mean of. Give it: the clip depends on it. */
  readonly batchSize?: Setting;
}

/**
 * Sophia with the Gauss–Newton–Bartlett estimate (Liu et al. 2023):
 *
 *     p ← p(1 − ηλ)     m ← β₁m + (1−β₁)g     p ← p − η·sign(m)∘min(1, |m|/(ρBh + 10⁻¹⁵))
 *     then, every so many steps, h ← β₂h + (1−β₂)ĝ²
 *
 * with ĝ the gradient of the loss with labels drawn from the model: the mean of the rows that the objective's `perSampleGradients` gives
 * (one row, with `samples: 1`, where it is at hand as a whole). Neither m nor h is corrected for bias. Defaults: η 1e-4, β (0.965, 0.99), λ 0.1.
 *
 * Source: Liuhong99/Sophia, sophia.py.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option · ObjectiveError where a sampled gradient is due and cannot be had
 */
export function sophiaG(options: SophiaGOptions = {}): Rule {
  const o = resolve('sophia-g', options, {
    ...generalOptions('sophia-g'),
    learningRate: nonNegative(1e-4),
    beta1: unit(0.965),
    beta2: exact(unit(0.99)),
    weightDecay: nonNegative(0.1),
    curvatureEvery: integer(10),
    rho: positive(0.04),
    batchSize: positive(1),
  });
  const { name, learningRate, weightDecay } = o;
  const direction = sophia({
    ...o,
    need: { what: 'perSampleGradients', by: name, hint: 'with labels drawn from the model' },
    bound: (curvature, here) => curvature.mul(here.hyper(o.rho).mul(here.hyper(o.batchSize))).add(1e-15),
    hypers: [o.rho, o.batchSize],
    corrects: false,
    estimate: (owner, g, here) => saturate(here.samples(owner, g.shape).gradients.mean([0]), here.largest, 2).square(),
  });
  return general(o, rule(direction, decay({ learningRate, weightDecay }), descend({ learningRate })));
}

interface Parts {
  readonly name: string;
  readonly beta1: Hyper;
  readonly beta2: Hyper;
  readonly curvatureEvery: number;
  readonly hypers: readonly Hyper[];
  readonly need: Need;
  /** What |m| is divided by. */
  bound(curvature: Tensor, here: Site): Tensor;
  /** Whether the bias of m is corrected. */
  readonly corrects: boolean;
  /** Asks, in the pass for it, for what the estimate is made of. */
  probe?(owner: string, g: Tensor, here: Site): void;
  /** The new estimate of the curvature. */
  estimate(owner: string, g: Tensor, here: Site): Tensor;
}

/** sign(m)∘min(1, |m|/bound(h)), the curvature h refreshed after it was used. */
function sophia({ name, beta1, beta2, curvatureEvery, hypers, need, bound, corrects, probe, estimate }: Parts): Transform {
  const moment = (count: number): 'curvature' | 'step' => ((count - 1) % curvatureEvery === 0 ? 'curvature' : 'step');
  return {
    name,
    declare(parameters, at) {
      const here = at.child(name);
      for (const hyper of [beta1, beta2, ...hypers]) here.hyper(hyper);
      here.needs(need);
      for (const [owner, shape] of Object.entries(parameters)) {
        here.slot('m', owner, { shape, kind: 'vector' });
        here.slot('h', owner, { shape, kind: 'diagonal' });
      }
    },
    apply(flow, site) {
      const here = site.child(name);
      const updates: Record<string, Tensor> = {};
      const gains: Record<string, Tensor> = { ...flow.gains };
      for (const [owner, g] of Object.entries(flow.updates)) {
        here.writing(owner, () => {
          const due = here.phase(owner, moment) === 'curvature';
          if (site.pass === 'probe') return due ? probe?.(owner, g, here) : undefined;
          const [m, h] = [here.get('m', owner).lerp(g, here.hyper(beta1).not()), here.get('h', owner)];
          here.set('m', owner, m);
          updates[owner] = moderate(m.sign().mul(m.abs().div(bound(h, here)).min(1)));
          if (corrects) {
            const gain = debias(here.hyper(beta1), here.count(owner)).reciprocal();
            gains[owner] = gains[owner]?.mul(gain) ?? gain;
          }
          if (due && site.pass === 'step') here.set('h', owner, h.lerp(estimate(owner, g, here), here.hyper(beta2).not()));
        });
      }
      return { ...flow, updates, gains };
    },
  };
}
