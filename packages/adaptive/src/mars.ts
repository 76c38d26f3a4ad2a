import {
  chain,
  choice,
  flag,
  type Hyper,
  message,
  named,
  nonNegative,
  type Option,
  OptionTypeError,
  partition,
  perTensor,
  type Rule,
  resolve,
  rule,
  type Setting,
  type Transform,
  unit,
} from '@opt/core';
import { adam, decay, descend, type GeneralOptions, general, generalOptions } from '@opt/transforms';
import { type MarsDirectionOptions, marsDirection, marsTable } from './mars-direction.ts';
import { exactDirection, lookBack } from './mars-exact.ts';

export interface MarsOptions extends GeneralOptions, MarsDirectionOptions {
  /** η ≥ 0, default 3e-3. */
  readonly learningRate?: Setting;
  /** λ ≥ 0, default 0: of matrices. */
  readonly weightDecay?: Setting;
  /**
   * z is the previous gradient ('approximate', default), or the gradient of this batch at the previous parameters ('exact'): `step` wants
   * an objective whose `gradients(at)` is asked for it, a second pass.
   */
  readonly form?: 'approximate' | 'exact';
  /** Every parameter, not matrices only. Default false. */
  readonly optimize1d?: boolean;
  /** AdamW of what is no matrix (kernels too): η 3e-3, β (0.9, 0.95), λ 0.1, also for biases and gains. */
  readonly others?: OtherOptions;
}

export interface OtherOptions {
  /** Changes in proportion to `learningRate`: this is its value where that one has its first, unless that is 0. */
  readonly learningRate?: Setting;
  readonly beta1?: Setting;
  readonly beta2?: Setting;
  readonly weightDecay?: Setting;
}

/**
 * MARS-AdamW: matrices by p ← p(1 − ηλ) − η·u with the direction u of `marsDirection`, everything else by AdamW with `others`, ε and
 * `amsgrad` being those of both. State keys begin with `mars/` or `others/`.
 *
 * Source: AGI-Arena/MARS, mars.py.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function mars(options: MarsOptions = {}): Rule {
  const o = resolve('mars', options, {
    ...generalOptions('mars'),
    ...marsTable,
    form: choice('approximate', ['approximate', 'exact']),
    learningRate: nonNegative(3e-3),
    weightDecay: nonNegative(0),
    optimize1d: flag(false),
    others: othersOption,
  });
  const { name, beta1, beta2, epsilon, gamma, amsgrad, learningRate, weightDecay, optimize1d, others } = o;
  const exact = o.form === 'exact';
  const main = exact ? exactDirection(o) : marsDirection({ name, beta1, beta2, epsilon, gamma, amsgrad });
  const rest = adam({ beta1: others.beta1, beta2: others.beta2, epsilon, amsgradBeta: amsgrad ? 1 : null });
  const move = chain(decay({ learningRate, weightDecay }), descend({ learningRate }));
  const direction = byRank(optimize1d, main, rest);
  return general(
    o,
    rule(
      exact ? lookBack(name, direction) : direction,
      byRank(optimize1d, move, inProportion(learningRate, others.learningRate, others.weightDecay)),
    ),
  );
}

/** Matrices to the one, all others to the other. */
const byRank = (all: boolean, mars: Transform, others: Transform): Transform =>
  all ? chain(named('mars', mars)) : partition({ mars, others }, (_, shape) => (shape.length === 2 ? 'mars' : 'others'));

/** p ← p(1 − ρλ) − ρu with ρ = η·(η of these)/(first η). */
function inProportion(learningRate: Hyper, own: Hyper, weightDecay: Hyper): Transform {
  const { value } = learningRate;
  const first = typeof value === 'function' ? value(0) : value;
  return perTensor({
    name: 'descend',
    hyper: { learningRate, own, weightDecay },
    apply({ update: u, parameter: p, hyper: h }) {
      const rate = first === 0 ? h.own : h.learningRate.mul(h.own).div(first);
      return { parameter: p.mul(rate.mul(h.weightDecay).not()).sub(u.mul(rate)) };
    },
  });
}

/** How `resolve` reads `others`: live under the names `others.learningRate` and so on. */
const othersOption: Option<Readonly<Record<keyof OtherOptions, Hyper>>> = (value, rule) => {
  if (value !== undefined && (typeof value !== 'object' || value === null))
    throw new OptionTypeError(message(rule, 'others', 'an object', value));
  const named = resolve(rule, Object.fromEntries(Object.entries(value ?? {}).map(([option, one]) => [`others.${option}`, one])), {
    'others.learningRate': nonNegative(3e-3),
    'others.beta1': unit(0.9),
    'others.beta2': unit(0.95),
    'others.weightDecay': nonNegative(0.1),
  });
  return {
    learningRate: named['others.learningRate'],
    beta1: named['others.beta1'],
    beta2: named['others.beta2'],
    weightDecay: named['others.weightDecay'],
  };
};
