import { exact, perTensor, positive, type Rule, resolve, type Setting, saturate, type Transform, text, unit } from '@opt/core';
import { type DecoupledOptions, decoupled, decoupledOptions } from '@opt/transforms';

export interface AdadeltaDirectionOptions {
  /** Weight of the past in both mean squares, [0, 1), default 0.95. */
  readonly rho?: Setting;
  /** ε > 0 inside both roots, default 1e-7: it sets the size of the first steps. */
  readonly epsilon?: Setting;
  /** Prefix of state keys, default 'adadelta'. */
  readonly name?: string;
}

const table = { rho: exact(unit(0.95)), epsilon: positive(1e-7) };

/**
 * Adadelta (Zeiler 2012), as a direction: v ← ρv + (1−ρ)g², u = g·√(x + ε)/√(v + ε), x ← ρx + (1−ρ)u². u has the unit of the parameter.
 */
export function adadeltaDirection(options: AdadeltaDirectionOptions = {}): Transform {
  const { name, ...hyper } = resolve('adadelta', options, { ...table, name: text('adadelta') });
  return perTensor({
    name,
    hyper,
    state: ({ shape }) => ({ v: { shape, kind: 'diagonal', nonNegative: true }, x: { shape, kind: 'diagonal', nonNegative: true } }),
    apply({ update: given, state: { v, x }, hyper: { rho, epsilon }, site }) {
      const g = saturate(given, site.largest, 2);
      const v1 = v.lerp(g.square(), rho.not());
      const update = g.mul(x.add(epsilon).sqrt().div(v1.add(epsilon).sqrt()));
      return { update, state: { v: v1, x: x.lerp(update.square(), rho.not()) } };
    },
  });
}

export interface AdadeltaOptions extends DecoupledOptions, AdadeltaDirectionOptions {
  /** η ≥ 0, default 1, as in the paper; TensorFlow.js has 0.001. */
  readonly learningRate?: Setting;
}

/**
 * Adadelta: p ← p(1 − ηλ), then p ← p − η·u with the direction u of `adadeltaDirection`.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function adadelta(options: AdadeltaOptions = {}): Rule {
  const o = resolve('adadelta', options, {
    ...decoupledOptions('adadelta', { learningRate: 1 }),
    ...table,
  });
  const { name, rho, epsilon } = o;
  return decoupled(o, adadeltaDirection({ name, rho, epsilon }));
}
