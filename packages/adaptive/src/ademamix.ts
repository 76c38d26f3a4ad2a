import {
  debias,
  exact,
  integer,
  moderate,
  nonNegative,
  optional,
  perTensor,
  positive,
  type Rule,
  resolve,
  type Setting,
  saturate,
  scalar,
  type Tensor,
  type TensorStep,
  type Transform,
  text,
  unit,
  where,
} from '@opt/core';
import { type DecoupledOptions, decoupled, decoupledOptions } from '@opt/transforms';

export interface AdemamixDirectionOptions {
  /** Weight of the past in the fast mean m₁, [0, 1), default 0.9; 0: the gradient itself, and no slot. */
  readonly beta1?: Setting;
  /** Weight of the past in the mean square v, [0, 1), default 0.999. */
  readonly beta2?: Setting;
  /** Weight of the past in the slow mean m₂, [0, 1), default 0.9999. */
  readonly beta3?: Setting;
  /** α ≥ 0, default 2 (the paper: 5 to 10): weight of the slow mean. */
  readonly alpha?: Setting;
  /** Steps over which α grows from 0, linearly; default null: none (the paper: the whole run). */
  readonly alphaWarmup?: number | null;
  /** Steps over which β₃ grows from β₁, linearly in its half-life; default null: none (the paper: the whole run). */
  readonly beta3Warmup?: number | null;
  /** ε > 0, default 1e-8. */
  readonly epsilon?: Setting;
  /** Prefix of state keys, default 'ademamix'. */
  readonly name?: string;
}

const table = {
  beta1: unit(0.9),
  beta2: unit(0.999),
  beta3: exact(unit(0.9999)),
  alpha: nonNegative(2),
  alphaWarmup: optional(integer(1)),
  beta3Warmup: optional(integer(1)),
  epsilon: positive(1e-8),
};

/** The gradient, so that squares stay finite. */
const squarable = ({ update, site }: Pick<TensorStep<never, never>, 'update' | 'site'>): Tensor => saturate(update, site.largest, 2);

type Slow = 'm2' | 'v';
type Hypers = 'beta1' | 'beta2' | 'beta3' | 'alpha' | 'epsilon';

/**
 * AdEMAMix (Pagliardini et al. 2024), as a direction:
 *
 *     m₁ ← β₁m₁ + (1−β₁)g     m₂ ← β₃m₂ + (1−β₃)g     v ← β₂v + (1−β₂)g²     u = (m₁/(1−β₁ᵗ) + αm₂)/(√(v/(1−β₂ᵗ)) + ε)
 *
 * m₂ starts at 0 and is not corrected; it remembers 1/(1−β₃) steps. Without warm-ups a large α easily diverges at the start.
 */
export function ademamixDirection(options: AdemamixDirectionOptions = {}): Transform {
  const { name, alphaWarmup, beta3Warmup, ...hyper } = resolve('ademamix', options, { ...table, name: text('ademamix') });

  /** The direction for a fast mean that is free of bias. */
  function mixed({ state: { m2, v }, hyper: h, count: t }: TensorStep<Slow, Hypers>, g: Tensor, fast: Tensor) {
    const alpha = alphaWarmup === null ? h.alpha : h.alpha.mul(t.div(alphaWarmup).min(1));
    const beta3 = beta3Warmup === null ? h.beta3 : where(t.lt(beta3Warmup), warmed(h.beta1, h.beta3, t.div(beta3Warmup)), h.beta3);
    const slow = m2.lerp(g, beta3.not());
    const v1 = v.lerp(g.square(), h.beta2.not());
    const update = moderate(fast.add(slow.mul(alpha)).div(v1.div(debias(h.beta2, t)).sqrt().add(h.epsilon)));
    return { update, state: { m2: slow, v: v1 } };
  }

  if (hyper.beta1.value === 0) {
    return perTensor({
      name,
      hyper,
      state: ({ shape }) => ({ m2: { shape, kind: 'vector' }, v: { shape, kind: 'diagonal', nonNegative: true } }),
      apply(step) {
        const g = squarable(step);
        return mixed(step, g, g);
      },
    });
  }
  return perTensor({
    name,
    hyper,
    state: ({ shape }) => ({
      m1: { shape, kind: 'vector' },
      m2: { shape, kind: 'vector' },
      v: { shape, kind: 'diagonal', nonNegative: true },
    }),
    apply(step) {
      const g = squarable(step);
      const m1 = step.state.m1.lerp(g, step.hyper.beta1.not());
      const { update, state } = mixed(step, g, m1.div(debias(step.hyper.beta1, step.count)));
      return { update, state: { ...state, m1 } };
    },
  });
}

/** β between β₁ and β₃ at the share a of the way, in half-lives: h⁻¹((1−a)h(β₁) + a·h(β₃)), h(β) = ln ½/ln(β + 10⁻⁸) − 1. */
function warmed(beta1: Tensor, beta3: Tensor, a: Tensor): Tensor {
  const half = (beta: Tensor): Tensor => scalar(-Math.LN2).div(beta.add(1e-8).log()).sub(1);
  return scalar(-Math.LN2)
    .div(half(beta1).lerp(half(beta3), a).add(1))
    .exp();
}

export interface AdemamixOptions extends DecoupledOptions, AdemamixDirectionOptions {
  /** η ≥ 0, default 1e-3. */
  readonly learningRate?: Setting;
}

/**
 * AdEMAMix: p ← p(1 − ηλ), then p ← p − η·u with the direction u of `ademamixDirection`.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function ademamix(options: AdemamixOptions = {}): Rule {
  const o = resolve('ademamix', options, {
    ...decoupledOptions('ademamix', { learningRate: 1e-3 }),
    ...table,
  });
  const { name, beta1, beta2, beta3, alpha, alphaWarmup, beta3Warmup, epsilon } = o;
  return decoupled(o, ademamixDirection({ name, beta1, beta2, beta3, alpha, alphaWarmup, beta3Warmup, epsilon }));
}
