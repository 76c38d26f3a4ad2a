import { debias, moderate, perTensor, positive, type Rule, resolve, type Setting, saturate, type Transform, text, unit } from '@opt/core';
import { type DecoupledOptions, decoupled, decoupledOptions } from '@opt/transforms';

export interface AdamaxDirectionOptions {
  /** Weight of the past in the mean m, [0, 1), default 0.9. */
  readonly beta1?: Setting;
  /** What a step leaves of the largest gradient so far, [0, 1), default 0.999. */
  readonly beta2?: Setting;
  /** ε > 0, default 1e-7. */
  readonly epsilon?: Setting;
  /** Prefix of state keys, default 'adamax'. */
  readonly name?: string;
}

const table = { beta1: unit(0.9), beta2: unit(0.999), epsilon: positive(1e-7) };

/** Adamax (Kingma & Ba 2015, algorithm 2), as a direction: m ← β₁m + (1−β₁)g, x ← max(β₂x, |g|), u = (m/(1−β₁ᵗ))/(x + ε). */
export function adamaxDirection(options: AdamaxDirectionOptions = {}): Transform {
  const { name, ...hyper } = resolve('adamax', options, { ...table, name: text('adamax') });
  return perTensor({
    name,
    hyper,
    state: ({ shape }) => ({ m: { shape, kind: 'vector' }, x: { shape, kind: 'diagonal', nonNegative: true } }),
    apply({ update, state: { m, x }, hyper: { beta1, beta2, epsilon }, count: t, site }) {
      // Next to the largest number a mean without its bias would be more.
      const g = saturate(update, site.largest / 4);
      const m1 = m.lerp(g, beta1.not());
      const x1 = x.mul(beta2).max(g.abs());
      return { update: moderate(m1.div(x1.add(epsilon)).div(debias(beta1, t))), state: { m: m1, x: x1 } };
    },
  });
}

export interface AdamaxOptions extends DecoupledOptions, AdamaxDirectionOptions {
  /** η ≥ 0, default 0.002. */
  readonly learningRate?: Setting;
}

/**
 * Adamax: p ← p(1 − ηλ), then p ← p − η·u with the direction u of `adamaxDirection`.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function adamax(options: AdamaxOptions = {}): Rule {
  const o = resolve('adamax', options, {
    ...decoupledOptions('adamax', { learningRate: 0.002 }),
    ...table,
  });
  const { name, beta1, beta2, epsilon } = o;
  return decoupled(o, adamaxDirection({ name, beta1, beta2, epsilon }));
}
