import {
  flag,
  type Hyper,
  integer,
  nonNegative,
  type Rule,
  required,
  requiredRule,
  resolve,
  type Setting,
  type Tensor,
  type Transform,
  text,
  unit,
} from '@opt/core';

export interface OuterNesterovOptions {
  /** Any optimizer. Its state is neither averaged nor reset. */
  readonly base: Rule;
  /** H: steps of `base` between outer steps, integer ≥ 1, default 30. */
  readonly every?: number;
  /** η ≥ 0, default 0.7; a schedule counts outer steps. */
  readonly outerLearningRate?: Setting;
  /** μ in [0, 1), default 0.6. */
  readonly outerMomentum?: Setting;
  /** Look ahead: d = Δ + μb. Default true. */
  readonly nesterov?: boolean;
  /** Prefix of state keys, default 'outer-nesterov'. */
  readonly name?: string;
}

/**
 * MuLoCo with one worker (Thérien et al. 2025): every H steps the way θ has gone from the anchor a is taken for a gradient of its own,
 *
 *     Δ = a − θ     b ← μb + Δ     d = Δ + μb, or b     a ← a − ηd     θ ← a
 *
 * a starts at the parameter. η = 1 and μ = 0 change nothing.
 *
 * Source: bentherien/muloco-1, muloco.py, with momentum as in torch.optim.SGD.
 *
 * @throws OptionTypeError · OptionRangeError, naming the option
 */
export function outerNesterov(options: OuterNesterovOptions): Rule {
  const o = resolve('outer-nesterov', options, {
    base: requiredRule,
    every: integer(30),
    outerLearningRate: nonNegative(0.7),
    outerMomentum: unit(0.6),
    nesterov: flag(true),
    name: text('outer-nesterov'),
  });
  return o.base.mapMove((move) => outer(o, move));
}

interface Settings {
  readonly name: string;
  readonly every: number;
  readonly outerLearningRate: Hyper;
  readonly outerMomentum: Hyper;
  readonly nesterov: boolean;
}

function outer({ name, every, outerLearningRate, outerMomentum, nesterov }: Settings, move: Transform): Transform {
  const moment = (count: number): 'start' | 'start and outer' | 'inner' | 'outer' => {
    const due = count % every === 0;
    return count === 1 ? (due ? 'start and outer' : 'start') : due ? 'outer' : 'inner';
  };
  return {
    name: '',
    separable: move.separable === true,
    declare(parameters, at) {
      move.declare(parameters, at);
      const here = at.child(name);
      for (const hyper of [outerLearningRate, outerMomentum]) here.hyper(hyper);
      for (const [owner, shape] of Object.entries(parameters)) {
        here.slot('anchor', owner, { shape, kind: 'invariant' });
        here.slot('b', owner, { shape, kind: 'invariant' });
      }
    },
    ...(move.once && { once: (...given: Parameters<NonNullable<Transform['once']>>) => move.once?.(...given) ?? given[1] }),
    apply(flow, site) {
      const here = site.child(name);
      const result = move.apply(flow, site);
      const parameters: Record<string, Tensor> = { ...result.parameters };
      for (const owner of Object.keys(flow.updates)) {
        here.writing(owner, () => {
          const when = here.phase(owner, moment);
          const starts = when === 'start' || when === 'start and outer';
          const anchor = starts ? required(flow.parameters, owner, 'parameter') : here.get('anchor', owner);
          if (when === 'start') here.set('anchor', owner, anchor);
          if (when === 'start' || when === 'inner') return;
          const mu = here.hyper(outerMomentum);
          const delta = anchor.sub(required(result.parameters, owner, 'parameter'));
          const b = here.get('b', owner).mul(mu).add(delta);
          const d = nesterov ? delta.add(b.mul(mu)) : b;
          const next = anchor.sub(d.mul(here.clocked('outer').hyper(outerLearningRate)));
          here.set('b', owner, b);
          here.set('anchor', owner, next);
          parameters[owner] = next;
        });
      }
      return { ...result, parameters };
    },
  };
}
