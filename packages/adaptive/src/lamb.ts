import {
  checkNames,
  debias,
  flag,
  message,
  type Names,
  names,
  nonNegative,
  norm,
  nullable,
  OptionRangeError,
  perTensor,
  positive,
  type Rule,
  resolve,
  rule,
  type Setting,
  saturate,
  type Transform,
  text,
  unit,
  where,
} from '@opt/core';
import { descend, type GeneralOptions, general, generalOptions } from '@opt/transforms';

export interface LambDirectionOptions {
  /** Weight of the past in the mean m, [0, 1), default 0.9. */
  readonly beta1?: Setting;
  /** Weight of the past in the mean square v, [0, 1), default 0.999. */
  readonly beta2?: Setting;
  /** ε > 0, default 1e-6. */
  readonly epsilon?: Setting;
  /** λ ≥ 0, default 0 (BERT: 0.01). */
  readonly weightDecay?: Setting;
  /** Correct the bias of averages that start from 0. Default true. */
  readonly correctBias?: boolean;
  /** Least ‖p‖ that counts, ≥ 0, default 0: without it weights that are tiny hardly move. */
  readonly minNorm?: Setting;
  /** Largest ‖p‖ that counts, > 0, default 10; null: neither bound holds. */
  readonly maxNorm?: Setting | null;
  /** Parameters that do not decay, usually biases and gains; default none. */
  readonly noDecay?: Names;
  /** Parameters that take Adam's step, without the ratio; default none. */
  readonly noTrust?: Names;
  /** Prefix of state keys, default 'lamb'. */
  readonly name?: string;
}

const table = {
  beta1: unit(0.9),
  beta2: unit(0.999),
  epsilon: positive(1e-6),
  weightDecay: nonNegative(0),
  correctBias: flag(true),
  minNorm: nonNegative(0),
  maxNorm: nullable(positive(10)),
  noDecay: names,
  noTrust: names,
};

/**
 * LAMB (You et al. 2020, algorithm 2), as a direction: Adam's step, made as long as the weights.
 *
 *     r = (m/(1−β₁ᵗ))/(√(v/(1−β₂ᵗ)) + ε) + λp     φ = ‖p‖ within [minNorm, maxNorm]     u = (φ/‖r‖)·r, or r where φ or ‖r‖ is 0
 *
 * @throws TransformError where `noDecay` or `noTrust` list what is no parameter
 */
export function lambDirection(options: LambDirectionOptions = {}): Transform {
  const { name, correctBias, minNorm, maxNorm, noDecay, noTrust, ...rest } = resolve('lamb', options, { ...table, name: text('lamb') });
  if (typeof minNorm.value === 'number' && typeof maxNorm?.value === 'number' && minNorm.value > maxNorm.value)
    throw new OptionRangeError(message(name, 'minNorm', `at most maxNorm = ${maxNorm.value}`, minNorm.value));
  const direction = perTensor({
    name,
    hyper: rest,
    state: ({ shape }) => ({ m: { shape, kind: 'vector' }, v: { shape, kind: 'diagonal', nonNegative: true } }),
    apply({ update, parameter: p, state: { m, v }, hyper: h, count: t, owner, site }) {
      const g = saturate(update, site.largest, 2);
      const m1 = m.lerp(g, h.beta1.not());
      const v1 = v.lerp(g.square(), h.beta2.not());
      const adam = correctBias
        ? m1.div(debias(h.beta1, t)).div(v1.div(debias(h.beta2, t)).sqrt().add(h.epsilon))
        : m1.div(v1.sqrt().add(h.epsilon));
      const r = noDecay.includes(owner, p.shape) ? adam : adam.add(p.mul(h.weightDecay));
      const state = { m: m1, v: v1 };
      if (noTrust.includes(owner, p.shape)) return { update: r, state };
      const [weights, step] = [norm(p), norm(r)];
      const phi = maxNorm === null ? weights : weights.max(site.hyper(minNorm)).min(site.hyper(maxNorm));
      return { update: r.mul(where(phi.gt(0).mul(step.gt(0)), phi.div(step), 1)), state };
    },
  });
  return {
    ...direction,
    declare(parameters, at) {
      checkNames(name, 'noDecay', noDecay, parameters);
      checkNames(name, 'noTrust', noTrust, parameters);
      for (const bound of maxNorm === null ? [] : [minNorm, maxNorm]) at.child(name).hyper(bound);
      direction.declare(parameters, at);
    },
  };
}

export interface LambOptions extends GeneralOptions, LambDirectionOptions {
  /** η ≥ 0, default 1e-3. */
  readonly learningRate?: Setting;
}

/**
 * LAMB: p ← p − η·u with the direction u of `lambDirection`.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option · TransformError for names that are no parameters
 */
export function lamb(options: LambOptions = {}): Rule {
  const o = resolve('lamb', options, { ...generalOptions('lamb'), ...table, learningRate: nonNegative(1e-3) });
  const { name, beta1, beta2, epsilon, weightDecay, correctBias, minNorm, maxNorm, learningRate } = o;
  const direction = lambDirection({
    name,
    beta1,
    beta2,
    epsilon,
    weightDecay,
    correctBias,
    minNorm,
    maxNorm,
    noDecay: options.noDecay ?? [],
    noTrust: options.noTrust ?? [],
  });
  return general(o, rule(direction, descend({ learningRate })));
}
