import {
  chain,
  debias,
  flag,
  type Hyper,
  mapValues,
  moderate,
  nonNegative,
  optional,
  perTensor,
  positive,
  type Rule,
  resolve,
  rule,
  type Setting,
  saturate,
  scaled,
  type Transform,
  text,
  unit,
  where,
} from '@opt/core';
import { decay, descend, type GeneralOptions, general, generalOptions } from '@opt/transforms';

export interface AdanDirectionOptions {
  /** Weight of the past in the mean m, [0, 1), default 0.98. The paper writes 1−β. */
  readonly beta1?: Setting;
  /** Weight of the past in the mean difference δ, [0, 1), default 0.92. */
  readonly beta2?: Setting;
  /** Weight of the past in the mean square v, [0, 1), default 0.99. */
  readonly beta3?: Setting;
  /** ε > 0, default 1e-8. */
  readonly epsilon?: Setting;
  /** c > 0, default null: all gradients together are shortened to c first, g·min(1, c/(‖all g‖ + ε)). */
  readonly maxGradientNorm?: Setting | null;
  /** Prefix of state keys, default 'adan'. */
  readonly name?: string;
}

const table = { beta1: unit(0.98), beta2: unit(0.92), beta3: unit(0.99), epsilon: positive(1e-8), maxGradientNorm: optional(positive(1)) };

/**
 * Adan (Xie et al. 2022), as a direction: Nesterov momentum from the change d = g − g₋ of the gradient, 0 on the first step,
 *
 *     m ← β₁m + (1−β₁)g     δ ← β₂δ + (1−β₂)d     v ← β₃v + (1−β₃)(g + β₂d)²
 *     u = (m/(1−β₁ᵗ) + β₂δ/(1−β₂ᵗ)) / (√(v/(1−β₃ᵗ)) + ε)
 *
 * After a step without a gradient the next difference spans both steps.
 */
export function adanDirection(options: AdanDirectionOptions = {}): Transform {
  const { name, maxGradientNorm, ...hyper } = resolve('adan', options, { ...table, name: text('adan') });
  const direction = perTensor({
    name,
    hyper,
    state: ({ shape }) => ({
      m: { shape, kind: 'vector' },
      delta: { shape, kind: 'vector' },
      previous: { shape, kind: 'vector' },
      v: { shape, kind: 'diagonal', nonNegative: true },
    }),
    apply({ update, state: { m, delta, previous, v }, hyper: { beta1, beta2, beta3, epsilon }, count: t, site }) {
      // g + β₂d is at most three times as large.
      const g = saturate(update, site.largest, 2, 9);
      const change = where(t.eq(1), 0, g.sub(previous));
      const m1 = m.lerp(g, beta1.not());
      const delta1 = delta.lerp(change, beta2.not());
      const v1 = v.lerp(g.add(change.mul(beta2)).square(), beta3.not());
      const ahead = m1.div(debias(beta1, t)).add(delta1.mul(beta2.div(debias(beta2, t))));
      return {
        update: moderate(ahead.div(v1.div(debias(beta3, t)).sqrt().add(epsilon))),
        state: { m: m1, delta: delta1, previous: g, v: v1 },
      };
    },
  });
  return maxGradientNorm === null ? direction : chain(shorten(maxGradientNorm, hyper.epsilon), direction);
}

/** g·min(1, c/(‖all g‖ + ε)). */
const shorten = (limit: Hyper, epsilon: Hyper): Transform => ({
  name: 'shorten',
  declare(_, at) {
    const here = at.child('shorten');
    for (const hyper of [limit, epsilon]) here.hyper(hyper);
  },
  apply(flow, site) {
    const here = site.child('shorten');
    const all = Object.values(flow.updates);
    if (all.length === 0) return flow;
    return here.writing('', () => {
      const { norm: total, to } = scaled(all);
      const [c, least] = [here.hyper(limit), here.hyper(epsilon)];
      const target = c.div(least.div(total.max(least)).add(1));
      return { ...flow, updates: mapValues(flow.updates, (g) => where(total.add(least).gt(c), to(g, target), g)) };
    });
  },
});

export interface AdanOptions extends GeneralOptions, AdanDirectionOptions {
  /** η ≥ 0, default 1e-3. */
  readonly learningRate?: Setting;
  /** λ ≥ 0, default 0 (the authors' recipes: 0.02). */
  readonly weightDecay?: Setting;
  /** Decay as (p − ηu)/(1 + ηλ), default; false: p(1 − ηλ) − ηu. */
  readonly proximal?: boolean;
}

/**
 * Adan: p ← (p − ηu)/(1 + ηλ) with the direction u of `adanDirection`.
 *
 * Source: sail-sg/Adan, adan.py.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function adan(options: AdanOptions = {}): Rule {
  const o = resolve('adan', options, {
    ...generalOptions('adan'),
    ...table,
    learningRate: nonNegative(1e-3),
    weightDecay: nonNegative(0),
    proximal: flag(true),
  });
  const { name, beta1, beta2, beta3, epsilon, maxGradientNorm, learningRate, weightDecay } = o;
  const direction = adanDirection({ name, beta1, beta2, beta3, epsilon, maxGradientNorm });
  const move = descend({ learningRate });
  return general(
    o,
    o.proximal ? rule(direction, move, proximal(learningRate, weightDecay)) : rule(direction, decay({ learningRate, weightDecay }), move),
  );
}

/** p ← p/(1 + ηλ). */
const proximal = (learningRate: Hyper, weightDecay: Hyper): Transform =>
  perTensor({
    name: 'proximal-decay',
    hyper: { learningRate, weightDecay },
    apply: ({ parameter: p, hyper: h }) => ({ parameter: p.div(h.learningRate.mul(h.weightDecay).add(1)) }),
  });
