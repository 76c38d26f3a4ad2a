import { flag, moderate, perTensor, positive, resolve, type Setting, saturate, type Transform, text, unit } from '@opt/core';

export interface RmspropOptions {
  /** β in [0, 1), default 0.99. */
  readonly beta?: Setting;
  /** ε > 0, default 1e-8. */
  readonly epsilon?: Setting;
  /** Divide by the deviation from the mean gradient. Default false. */
  readonly centered?: boolean;
  /** Prefix of state keys, default 'rmsprop'. */
  readonly name?: string;
}

/**
 * RMSprop (Tieleman & Hinton 2012), as a direction: v ← βv + (1−β)g², u = g/(√v + ε); centered (Graves 2013): m ← βm + (1−β)g
 * and v − m² in place of v. No bias correction. Elements of g beyond half the root of the largest number (9.2e18 in f32) count as that.
 */
export function rmsprop(options: RmspropOptions = {}): Transform {
  const { centered, name, ...hyper } = resolve('rmsprop', options, {
    beta: unit(0.99),
    epsilon: positive(1e-8),
    centered: flag(false),
    name: text('rmsprop'),
  });
  if (!centered) {
    return perTensor({
      name,
      hyper,
      state: ({ shape }) => ({ v: { shape, kind: 'diagonal', nonNegative: true } }),
      apply({ update, state: { v }, hyper: { beta, epsilon }, site }) {
        const g = saturate(update, site.largest, 2);
        const v1 = v.mul(beta).add(g.square().mul(beta.not()));
        return { update: moderate(g.div(v1.sqrt().add(epsilon))), state: { v: v1 } };
      },
    });
  }
  return perTensor({
    name,
    hyper,
    state: ({ shape }) => ({ v: { shape, kind: 'diagonal', nonNegative: true }, m: { shape, kind: 'vector' } }),
    apply({ update, state: { v, m }, hyper: { beta, epsilon }, site }) {
      const g = saturate(update, site.largest, 2);
      const v1 = v.mul(beta).add(g.square().mul(beta.not()));
      const m1 = m.mul(beta).add(g.mul(beta.not()));
      return { update: g.div(v1.sub(m1.square()).max(0).sqrt().add(epsilon)), state: { v: v1, m: m1 } };
    },
  });
}
