import {
  type Declarer,
  integer,
  type Moment,
  type Rule,
  record,
  required,
  requiredRule,
  resolve,
  type Site,
  saturate,
  type Tensor,
  type Tensors,
  type Transform,
  TransformError,
  text,
} from '@opt/core';

export interface OuterStepsOptions {
  /** Any optimizer. Its state is neither averaged nor reset. */
  readonly base: Rule;
  /** Any optimizer, of the anchor: what `base` has gone is its gradient. Its schedules count outer steps. */
  readonly outer: Rule;
  /** H: steps of `base` between outer steps, integer ≥ 1, default 30. */
  readonly every?: number;
  /** Prefix of state keys, default 'outer-steps'. */
  readonly name?: string;
}

/**
 * Local SGD with one worker: every H steps the way θ has gone from the anchor a is a gradient for another optimizer,
 *
 *     Δ = a − θ     a ← outer(a, Δ)     θ ← a
 *
 * a starts at the parameter. With SGD of rate 1 outside nothing changes.
 *
 * Source: Douillard et al. 2023 (DiLoCo), algorithm 1 with k = 1.
 *
 * @throws OptionTypeError · OptionRangeError, naming the option · TransformError where `outer` needs more than gradients
 */
export function outerSteps(options: OuterStepsOptions): Rule {
  const { base, ...o } = resolve('outer-steps', options, {
    base: requiredRule,
    outer: requiredRule,
    every: integer(30),
    name: text('outer-steps'),
  });
  return base.mapMove((move) => around(move, o));
}

interface Settings {
  readonly outer: Transform;
  readonly every: number;
  readonly name: string;
}

/** There is no objective of an anchor. */
const gradientsOnly = (at: Declarer): Declarer => ({
  ...at,
  child: (name) => gradientsOnly(at.child(name)),
  needs({ what, by }) {
    throw new TransformError(`outer-steps: ${by} needs ${what}, and an outer step has gradients only; take another optimizer for outer`);
  },
});

function around(move: Transform, { outer, every, name }: Settings): Transform {
  const moment = (count: number): 'start' | 'start and outer' | 'inner' | 'outer' => {
    const due = count % every === 0;
    return count === 1 ? (due ? 'start and outer' : 'start') : due ? 'outer' : 'inner';
  };
  return {
    name: '',
    separable: move.separable === true && outer.separable === true,
    declare(parameters, at) {
      move.declare(parameters, at);
      const here = at.child(name);
      for (const [owner, shape] of Object.entries(parameters)) here.slot('anchor', owner, { shape, kind: 'invariant' });
      outer.declare(parameters, gradientsOnly(here));
    },
    once(at: Moment, parameters: Tensors, site: Site): Tensors {
      const moved = move.once?.(at, parameters, site) ?? parameters;
      return outer.once?.(at, moved, site.child(name)) ?? moved;
    },
    apply(flow, site) {
      const result = move.apply(flow, site);
      if (site.pass !== 'step') return result;
      const here = site.child(name);
      const [anchors, ways] = [record<Tensor>(), record<Tensor>()];
      for (const owner of Object.keys(flow.updates)) {
        here.writing(owner, () => {
          const when = here.phase(owner, moment);
          const starts = when === 'start' || when === 'start and outer';
          const anchor = starts ? required(flow.parameters, owner, 'parameter') : here.get('anchor', owner);
          if (when === 'start') here.set('anchor', owner, anchor);
          if (when === 'start' || when === 'inner') return;
          anchors[owner] = anchor;
          ways[owner] = saturate(anchor.sub(required(result.parameters, owner, 'parameter')), site.largest);
        });
      }
      if (Object.keys(ways).length === 0) return result;
      const next = outer.apply({ updates: ways, gradients: ways, gains: record(), parameters: anchors }, here.clocked('outer')).parameters;
      for (const [owner, anchor] of Object.entries(next)) here.writing(owner, () => here.set('anchor', owner, anchor));
      return { ...result, parameters: { ...result.parameters, ...next } };
    },
  };
}
