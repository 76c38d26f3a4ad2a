import { flag, moderate, perTensor, resolve, type Setting, saturate, type Transform, text, unit } from '@opt/core';

export interface LionOptions {
  /** β₁ in [0, 1), default 0.9: of the step. */
  readonly beta1?: Setting;
  /** β₂ in [0, 1), default 0.99: of the memory. */
  readonly beta2?: Setting;
  /** Only entries that agree with the gradient's sign. Default false. */
  readonly cautious?: boolean;
  /** Prefix of state keys, default 'lion'. */
  readonly name?: string;
}

/** Lion (Chen et al. 2023, algorithm 2), as a direction: u = sign(β₁m + (1−β₁)g), then m ← β₂m + (1−β₂)g. */
export function lion(options: LionOptions = {}): Transform {
  const { cautious, name, ...hyper } = resolve('lion', options, {
    beta1: unit(0.9),
    beta2: unit(0.99),
    cautious: flag(false),
    name: text('lion'),
  });
  return perTensor({
    name,
    hyper,
    state: ({ shape }) => ({ m: { shape, kind: 'vector' } }),
    apply({ update: g, state: { m }, hyper: { beta1, beta2 }, site }) {
      const u = m.mul(beta1).add(g.mul(beta1.not())).sign();
      return {
        update: moderate(cautious ? u.mul(u.mul(g.sign()).gt(0)) : u),
        state: { m: saturate(m.mul(beta2).add(g.mul(beta2.not())), site.largest) },
      };
    },
  });
}
