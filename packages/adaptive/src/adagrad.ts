import { fixed, moderate, perTensor, positive, type Rule, resolve, type Setting, saturate, type Transform, text } from '@opt/core';
import { type DecoupledOptions, decoupled, decoupledOptions } from '@opt/transforms';

export interface AdagradDirectionOptions {
  /** What the sum of squares starts from, ≥ 0, default 0.1. */
  readonly initialAccumulator?: number;
  /** ε > 0 inside the root, default 1e-7. */
  readonly epsilon?: Setting;
  /** Prefix of state keys, default 'adagrad'. */
  readonly name?: string;
}

const table = {
  initialAccumulator: fixed(0.1, { rule: 'a finite number >= 0', holds: (x) => Number.isFinite(x) && x >= 0 }),
  epsilon: positive(1e-7),
};

/** Adagrad (Duchi et al. 2011), as a direction: s ← s + g², u = g/√(s + ε). */
export function adagradDirection(options: AdagradDirectionOptions = {}): Transform {
  const { name, initialAccumulator: init, epsilon } = resolve('adagrad', options, { ...table, name: text('adagrad') });
  return perTensor({
    name,
    hyper: { epsilon },
    state: ({ shape }) => ({ sum: { shape, kind: 'diagonal', nonNegative: true, init } }),
    apply({ update, state: { sum }, hyper, site }) {
      const g = saturate(update, site.largest, 2);
      const s = sum.add(g.square()).min(site.largest);
      return { update: moderate(g.div(s.add(hyper.epsilon).sqrt())), state: { sum: s } };
    },
  });
}

export interface AdagradOptions extends DecoupledOptions, AdagradDirectionOptions {
  /** η ≥ 0, default 0.01. */
  readonly learningRate?: Setting;
}

/**
 * Adagrad: p ← p(1 − ηλ), then p ← p − η·u with the direction u of `adagradDirection`. Constants are those of Keras and TensorFlow.js.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function adagrad(options: AdagradOptions = {}): Rule {
  const o = resolve('adagrad', options, {
    ...decoupledOptions('adagrad', { learningRate: 0.01 }),
    ...table,
  });
  const { name, initialAccumulator, epsilon } = o;
  return decoupled(o, adagradDirection({ name, initialAccumulator, epsilon }));
}
