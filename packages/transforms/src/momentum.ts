import { closedUnit, debias, flag, perTensor, resolve, type Setting, saturate, type Transform, text, unit, where } from '@opt/core';

export interface MomentumOptions {
  /** μ in [0, 1), default 0.9. */
  readonly momentum?: Setting;
  /** δ in [0, 1], default 0: how much less than whole a gradient enters, from the second step on. */
  readonly dampening?: Setting;
  /** Look ahead: u = g + μb. Default false. */
  readonly nesterov?: boolean;
  /** Prefix of state keys, default 'momentum'. */
  readonly name?: string;
}

/** Heavy-ball momentum as a sum: b ← g first, then b ← μb + (1−δ)g; u = b, or g + μb with Nesterov (Sutskever et al. 2013). */
export function momentum(options: MomentumOptions = {}): Transform {
  const { nesterov, name, ...hyper } = resolve('momentum', options, {
    momentum: unit(0.9),
    dampening: closedUnit(0),
    nesterov: flag(false),
    name: text('momentum'),
  });
  return perTensor({
    name,
    hyper,
    state: ({ shape }) => ({ b: { shape, kind: 'vector' } }),
    apply({ update: g, state: { b }, hyper: { momentum: mu, dampening }, count: t, site: { largest } }) {
      const b1 = saturate(b.mul(mu).add(g.mul(where(t.eq(1), 1, dampening.not()))), largest);
      return { update: nesterov ? saturate(g.add(b1.mul(mu)), largest) : b1, state: { b: b1 } };
    },
  });
}

export interface EmaOptions {
  /** β in [0, 1), default 0.9. */
  readonly beta?: Setting;
  /** Look ahead: u = (1−β)g + βm. Default false. */
  readonly nesterov?: boolean;
  /** Divide by 1 − βᵗ. Default false. */
  readonly correctBias?: boolean;
  /** Prefix of state keys, default 'ema'. */
  readonly name?: string;
}

/** Momentum as an average: m ← βm + (1−β)g from 0; u = m, or (1−β)g + βm with Nesterov. */
export function ema(options: EmaOptions = {}): Transform {
  const { nesterov, correctBias, name, ...hyper } = resolve('ema', options, {
    beta: unit(0.9),
    nesterov: flag(false),
    correctBias: flag(false),
    name: text('ema'),
  });
  return perTensor({
    name,
    hyper,
    state: ({ shape }) => ({ m: { shape, kind: 'vector' } }),
    apply({ update: g, state: { m }, hyper: { beta }, count: t, site: { largest } }) {
      const m1 = saturate(m.lerp(g, beta.not()), largest);
      const ahead = nesterov ? saturate(m1.lerp(g, beta.not()), largest) : m1;
      return { update: correctBias ? saturate(ahead.div(debias(beta, t)), largest) : ahead, state: { m: m1 } };
    },
  });
}
