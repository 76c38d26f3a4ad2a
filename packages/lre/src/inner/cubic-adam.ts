import {
  choice,
  debias,
  perTensor,
  positive,
  resolve,
  type Setting,
  saturate,
  type Tensor,
  type Transform,
  text,
  unit,
  where,
} from '@opt/core';

export interface CubicAdamOptions {
  /** Weight of the past in the mean of u, [0, 1), default 0.9. */
  readonly beta1?: Setting;
  /** In the mean of u², default 0.99. */
  readonly beta2?: Setting;
  /** In the mean of u³, default 0.99. */
  readonly beta3?: Setting;
  /** ε > 0, default 1e-8. */
  readonly epsilon?: Setting;
  /** a = ∛m₃ (default), |∛m₃| (depends on the signs of eigenvectors, so not reproducible), or m₃/2. */
  readonly mode?: 'signed_cbrt' | 'unsigned_cbrt' | 'halve';
  /** Prefix of state keys, default 'cubic-adam'. */
  readonly name?: string;
}

/**
 * Adam with a third moment: with averages m₁, m₂, m₃ of u, u², u³ without their bias, the step −q minimises
 * (a/3)q³ + (√m₂/2)q² + m₁q per coordinate; where that has no minimum, the Adam step.
 */
export function cubicAdam(options: CubicAdamOptions = {}): Transform {
  const { name, mode, ...hyper } = resolve('cubic-adam', options, {
    beta1: unit(0.9),
    beta2: unit(0.99),
    beta3: unit(0.99),
    epsilon: positive(1e-8),
    mode: choice('signed_cbrt', ['signed_cbrt', 'unsigned_cbrt', 'halve']),
    name: text('cubic-adam'),
  });
  const coefficient = (m3: Tensor): Tensor => {
    if (mode === 'halve') return m3.mul(0.5);
    const root = cubeRoot(m3);
    return mode === 'unsigned_cbrt' ? root.abs() : root;
  };
  return perTensor({
    name,
    hyper,
    state: ({ shape }) => ({ m1: { shape, kind: 'vector' }, m2: { shape, kind: 'diagonal' }, m3: { shape, kind: 'cubic' } }),
    apply({ update, state, hyper: { beta1, beta2, beta3, epsilon }, count: t, site }) {
      const u = saturate(update, site.largest, 3);
      const m1 = state.m1.lerp(u, beta1.not());
      const m2 = state.m2.lerp(u.square(), beta2.not());
      const m3 = state.m3.lerp(u.square().mul(u), beta3.not());
      const [a, b, c] = [coefficient(m3.div(debias(beta3, t))), m2.div(debias(beta2, t)).sqrt(), m1.div(debias(beta1, t))];
      return { update: minimiser(a, b, c, epsilon).neg(), state: { m1, m2, m3 } };
    },
  });
}

/** sign(x)·|x|^⅓. */
const cubeRoot = (x: Tensor): Tensor =>
  x
    .abs()
    .pow(1 / 3)
    .copySign(x);

/** Of (a/3)q³ + (b/2)q² + cq. */
function minimiser(a: Tensor, b: Tensor, c: Tensor, epsilon: Tensor): Tensor {
  const f = (q: Tensor): Tensor => q.mul(q.mul(q.mul(a.div(3)).add(b.div(2))).add(c));
  const discriminant = b.square().sub(a.mul(c).mul(4));
  const twice = a.mul(2);
  const denominator = twice.sign().mul(twice.abs().max(epsilon));
  const root = discriminant.max(0).sqrt();
  const [up, down] = [root.sub(b).div(denominator), root.add(b).neg().div(denominator)];
  const best = where(f(up).lt(f(down)), up, down);
  const none = discriminant.lt(0).max(a.eq(0));
  return where(none, c.neg().div(b.add(epsilon)), best);
}
