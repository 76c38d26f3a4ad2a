import {
  chain,
  exact,
  flag,
  nonNegative,
  nullable,
  positive,
  type Rule,
  resolve,
  rule,
  type Setting,
  saturate,
  type Tensor,
  type Transform,
  text,
  unit,
} from '@opt/core';
import { type DecoupledOptions, decoupled, decoupledOptions, descend, general, l2 } from '@opt/transforms';

export interface AdoptDirectionOptions {
  /** Weight of the past in the mean m, [0, 1), default 0.9. */
  readonly beta1?: Setting;
  /** Weight of the past in the mean square v, [0, 1), default 0.9999. */
  readonly beta2?: Setting;
  /** ε > 0, default 1e-6: the least divisor, not added to it. */
  readonly epsilon?: Setting;
  /** π ≥ 0 of the bound ±nᵖⁱ on g/√v after n calls, default 0.25; null: no bound, which wants ε ≥ 1e-3. */
  readonly clipPower?: Setting | null;
  /** Prefix of state keys, default 'adopt'. */
  readonly name?: string;
}

const table = { beta1: unit(0.9), beta2: exact(unit(0.9999)), epsilon: positive(1e-6), clipPower: nullable(nonNegative(0.25)) };

/**
 * ADOPT (Taniguchi et al. 2024, with the authors' later clip), as a direction: Adam whose divisor does not contain the present gradient.
 *
 *     r = clamp(g/max(√v, ε), ±nᵖⁱ)     m ← β₁m + (1−β₁)r     u = m     then v ← β₂v + (1−β₂)g²
 *
 * n counts earlier calls. The first one only sets v ← g²: nothing moves. Nothing is corrected for bias.
 */
export function adoptDirection(options: AdoptDirectionOptions = {}): Transform {
  const { name, beta1, beta2, epsilon, clipPower } = resolve('adopt', options, { ...table, name: text('adopt') });
  return {
    name,
    separable: true,
    declare(parameters, at) {
      const here = at.child(name);
      for (const hyper of [beta1, beta2, epsilon, ...(clipPower === null ? [] : [clipPower])]) here.hyper(hyper);
      for (const [owner, shape] of Object.entries(parameters)) {
        here.slot('m', owner, { shape, kind: 'vector' });
        here.slot('v', owner, { shape, kind: 'diagonal', nonNegative: true });
      }
    },
    apply(flow, site) {
      const here = site.child(name);
      const updates: Record<string, Tensor> = {};
      for (const [owner, update] of Object.entries(flow.updates)) {
        here.writing(owner, () => {
          const g = saturate(update, here.largest, 2);
          if (here.phase(owner, opening) === 'first') return here.set('v', owner, g.square());
          const [m, v] = [here.get('m', owner), here.get('v', owner)];
          const ratio = g.div(v.sqrt().max(here.hyper(epsilon)));
          const bound = clipPower && here.count(owner).sub(1).pow(here.hyper(clipPower));
          const m1 = m.lerp(bound === null ? ratio : ratio.min(bound).max(bound.neg()), here.hyper(beta1).not());
          here.set('m', owner, m1);
          here.set('v', owner, v.lerp(g.square(), here.hyper(beta2).not()));
          updates[owner] = m1;
        });
      }
      return { ...flow, updates };
    },
  };
}

const opening = (count: number): 'first' | 'later' => (count === 1 ? 'first' : 'later');

export interface AdoptOptions extends DecoupledOptions, AdoptDirectionOptions {
  /** η ≥ 0, default 1e-3. */
  readonly learningRate?: Setting;
  /** Decay of the parameter, p(1 − ηλ); default false: in the gradient, g + λp. */
  readonly decoupled?: boolean;
}

/**
 * ADOPT: p ← p − η·u with the direction u of `adoptDirection`.
 *
 * Source: iShohei220/adopt, adopt.py.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function adopt(options: AdoptOptions = {}): Rule {
  const o = resolve('adopt', options, {
    ...decoupledOptions('adopt', { learningRate: 1e-3 }),
    ...table,
    decoupled: flag(false),
  });
  const { name, beta1, beta2, epsilon, clipPower, learningRate, weightDecay, decayOnly } = o;
  const direction = adoptDirection({ name, beta1, beta2, epsilon, clipPower });
  if (o.decoupled) return decoupled(o, direction);
  return general(o, rule(chain(l2({ weightDecay, decayOnly }), direction), descend({ learningRate })));
}
