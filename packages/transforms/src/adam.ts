import {
  choice,
  closedUnit,
  debias,
  moderate,
  optional,
  perTensor,
  positive,
  resolve,
  type Setting,
  type Shape,
  type Site,
  type Slot,
  saturate,
  type Tensor,
  type TensorChange,
  type Transform,
  text,
  unit,
} from '@opt/core';

export interface AdamOptions {
  /** Weight of the past in the mean m, [0, 1), default 0.9. */
  readonly beta1?: Setting;
  /** Weight of the past in the mean square v, [0, 1), default 0.999. */
  readonly beta2?: Setting;
  /** ε > 0, default 1e-8. */
  readonly epsilon?: Setting;
  /**
   * Where the bias of averages that start from 0 is corrected. `'moments'` (default): in m and v. `'rate'`: as a factor
   * √(1−β₂ᵗ)/(1−β₁ᵗ) of the learning rate, so that ε meets the uncorrected √v and later stages see the uncorrected direction.
   */
  readonly correctBias?: 'moments' | 'rate' | 'none';
  /** a in x ← max(a·x, v), which stands in for v: 1 is AMSGrad (Reddi et al. 2018), null (default) is off. */
  readonly amsgradBeta?: Setting | null;
  /** Prefix of state keys, default 'adam'. */
  readonly name?: string;
}

/**
 * Adam (Kingma & Ba 2015, algorithm 1), as a direction:
 *
 *     m ← β₁m + (1−β₁)g     v ← β₂v + (1−β₂)g²     u = (m/(1−β₁ᵗ)) / (√(v/(1−β₂ᵗ)) + ε)
 *
 * g, m, v: shape of the parameter; t counts this stage's steps from 1. Elements of g beyond half the root of the largest number (9.2e18 in f32)
 * count as that, so that squares stay finite.
 */
export function adam(options: AdamOptions = {}): Transform {
  const { name, correctBias, amsgradBeta, beta1, beta2, epsilon } = resolve('adam', options, {
    beta1: unit(0.9),
    beta2: unit(0.999),
    epsilon: positive(1e-8),
    correctBias: choice('moments', ['moments', 'rate', 'none']),
    amsgradBeta: optional(closedUnit(1)),
    name: text('adam'),
  });
  if (amsgradBeta === null) {
    return perTensor({
      name,
      hyper: { beta1, beta2, epsilon },
      state: moments,
      apply({ update, state: { m, v }, hyper, count: t, site }) {
        const g = saturate(update, site.largest, 2);
        const m1 = m.mul(hyper.beta1).add(g.mul(hyper.beta1.not()));
        const v1 = v.mul(hyper.beta2).add(g.square().mul(hyper.beta2.not()));
        return { ...direction(m1, v1, hyper, t, correctBias, site), state: { m: m1, v: v1 } };
      },
    });
  }
  return perTensor({
    name,
    hyper: { beta1, beta2, epsilon, amsgradBeta },
    state: ({ shape }) => ({ ...moments({ shape }), x: { shape, kind: 'diagonal', nonNegative: true } }),
    apply({ update, state: { m, v, x }, hyper, count: t, site }) {
      const g = saturate(update, site.largest, 2);
      const m1 = m.mul(hyper.beta1).add(g.mul(hyper.beta1.not()));
      const v1 = v.mul(hyper.beta2).add(g.square().mul(hyper.beta2.not()));
      const x1 = x.mul(hyper.amsgradBeta).max(v1);
      return { ...direction(m1, x1, hyper, t, correctBias, site), state: { m: m1, v: v1, x: x1 } };
    },
  });
}

const moments = ({ shape }: { readonly shape: Shape }): Record<'m' | 'v', Slot> => ({
  m: { shape, kind: 'vector' },
  v: { shape, kind: 'diagonal', nonNegative: true },
});

type Hypers = Readonly<Record<'beta1' | 'beta2' | 'epsilon', Tensor>>;

/** m/(√v + ε), the bias of both corrected where `correctBias` says: m/c₁/(√(v/c₂) + ε) as m/(√v·c₁/√c₂ + εc₁), factors of the host. */
function direction(
  m: Tensor,
  v: Tensor,
  { beta1, beta2, epsilon }: Hypers,
  t: Tensor,
  correctBias: 'moments' | 'rate' | 'none',
  site: Site,
): TensorChange<never> {
  const [c1, root] = [debias(beta1, t), debias(beta2, t).sqrt()];
  if (correctBias === 'moments') return { update: moderate(m.div(v.sqrt().mul(c1.div(root)).add(epsilon.mul(c1).max(site.smallest)))) };
  const update = moderate(m.div(v.sqrt().add(epsilon)));
  return correctBias === 'none' ? { update } : { update, gain: root.div(c1) };
}
