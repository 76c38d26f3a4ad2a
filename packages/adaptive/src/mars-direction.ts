import {
  debias,
  flag,
  type Hyper,
  moderate,
  nonNegative,
  norm,
  type Option,
  positive,
  type Resolved,
  resolve,
  type Setting,
  type Site,
  type Slot,
  saturate,
  type Tensor,
  type Transform,
  text,
  unit,
} from '@opt/core';

export interface MarsDirectionOptions {
  /** Weight of the past in the mean m, [0, 1), default 0.95. */
  readonly beta1?: Setting;
  /** Weight of the past in the mean square v, [0, 1), default 0.99. */
  readonly beta2?: Setting;
  /** ε > 0, default 1e-8. */
  readonly epsilon?: Setting;
  /** γ ≥ 0, default 0.025: how much of the gradient's change counts; 0: Adam on clipped gradients. */
  readonly gamma?: Setting;
  /** The largest v so far stands in for v. Default false. */
  readonly amsgrad?: boolean;
  /** Prefix of state keys, default 'mars'. */
  readonly name?: string;
}

/** How `resolve` reads them. */
export const marsTable: Readonly<Record<'beta1' | 'beta2' | 'epsilon' | 'gamma', Option<Hyper>>> & { readonly amsgrad: Option<boolean> } = {
  beta1: unit(0.95),
  beta2: unit(0.99),
  epsilon: positive(1e-8),
  gamma: nonNegative(0.025),
  amsgrad: flag(false),
};

/**
 * MARS (Yuan et al. 2024) in its approximate form, as a direction: Adam on a gradient of reduced variance, with z the previous gradient,
 *
 *     c = g + γβ₁/(1−β₁)·(g − z)     c ← c/max(1, ‖c‖)     m ← β₁m + (1−β₁)c     v ← β₂v + (1−β₂)c²
 *     u = (m/(1−β₁ᵗ))/(√(v/(1−β₂ᵗ)) + ε)
 *
 * z is 0 on the first step. c is clipped to norm 1 per parameter, whatever the size of the model: of large gradients only the direction
 * counts. Noise is amplified: keep f = γβ₁/(1−β₁), 0.475 by default, below 1 or so.
 */
export function marsDirection(options: MarsDirectionOptions = {}): Transform {
  const o = resolve('mars', options, { ...marsTable, name: text('mars') });
  return onChange(o, {
    slots: { previous: 'vector' },
    change(owner, g, here) {
      const previous = here.get('previous', owner);
      here.set('previous', owner, g);
      return g.sub(previous);
    },
  });
}

/** Where the change g − z of the gradient comes from. */
export interface Change {
  readonly slots: Readonly<Record<string, 'vector'>>;
  change(owner: string, g: Tensor, here: Site): Tensor;
}

/** The direction, given the change. */
export function onChange(o: Resolved<typeof marsTable> & { readonly name: string }, { slots, change }: Change): Transform {
  const { name, amsgrad } = o;
  const hypers: readonly Hyper[] = [o.beta1, o.beta2, o.epsilon, o.gamma];
  const kinds: Readonly<Record<string, Slot['kind']>> = { m: 'vector', v: 'diagonal', ...slots, ...(amsgrad && { x: 'diagonal' }) };
  return {
    name,
    separable: true,
    declare(parameters, at) {
      const here = at.child(name);
      for (const hyper of hypers) here.hyper(hyper);
      for (const [owner, shape] of Object.entries(parameters))
        for (const [slot, kind] of Object.entries(kinds)) here.slot(slot, owner, { shape, kind });
    },
    apply(flow, site) {
      const here = site.child(name);
      const [beta1, beta2] = [here.hyper(o.beta1), here.hyper(o.beta2)];
      const f = here.hyper(o.gamma).mul(beta1).div(beta1.not());
      const updates: Record<string, Tensor> = { ...flow.updates };
      for (const [owner, update] of Object.entries(flow.updates)) {
        here.writing(owner, () => {
          const g = saturate(update, here.largest, 1, 8);
          const t = here.count(owner);
          const c = g.add(change(owner, g, here).mul(f));
          const clipped = c.div(norm(c).max(1));
          const m = here.get('m', owner).lerp(clipped, beta1.not());
          const v = here.get('v', owner).lerp(clipped.square(), beta2.not());
          const largest = amsgrad ? here.get('x', owner).max(v) : v;
          here.set('m', owner, m);
          here.set('v', owner, v);
          if (amsgrad) here.set('x', owner, largest);
          updates[owner] = moderate(m.div(debias(beta1, t)).div(largest.div(debias(beta2, t)).sqrt().add(here.hyper(o.epsilon))));
        });
      }
      return { ...flow, updates };
    },
  };
}
