import {
  debias,
  type Hyper,
  integer,
  mapValues,
  message,
  nonNegative,
  OptionTypeError,
  openUnit,
  perTensor,
  positive,
  type Rule,
  required,
  resolve,
  rule,
  type Setting,
  type Site,
  saturate,
  stage,
  type Tensor,
  type Transform,
  unit,
  where,
} from '@opt/core';
import { adam, type GeneralOptions, general, generalOptions } from '@opt/transforms';
import { anyYet } from './any-yet.ts';

interface Shared extends GeneralOptions {
  /** η ≥ 0; schedules are better left to the average. */
  readonly learningRate?: Setting;
  /** λ ≥ 0, default 0: d ← d + λy. */
  readonly weightDecay?: Setting;
  /** Steps over which η grows from 0, linearly: integer ≥ 0, default 0. */
  readonly warmupSteps?: number;
  /** r ≥ 0, default 0: later steps count more in the average, as tʳ. */
  readonly r?: Setting;
  /** p ≥ 0, default 2: and those of larger rates, as γᵖ. */
  readonly weightLrPower?: Setting;
}

const table = {
  weightDecay: nonNegative(0),
  warmupSteps: integer(0, 0),
  r: nonNegative(0),
  weightLrPower: nonNegative(2),
};

export interface ScheduleFreeOptions extends Shared {
  /** Any direction, such as `adam({ beta1: 0 })`; momentum is that of the average. */
  readonly direction: Transform;
  /** β in (0, 1), default 0.9: how far from the plain iterate towards the average gradients are taken. */
  readonly beta?: Setting;
}

/**
 * Schedule-free training (Defazio et al. 2024) around any direction d: a plain iterate z, its average x, and gradients taken at
 * y = (1−β)z + βx, which are `optimizer.parameters`. With γ = η·min(1, t/warmupSteps) and the largest γ so far, γ₊,
 *
 *     w = tʳ·γ₊ᵖ     W ← W + w     c = w/W     d ← d + λy     z ← z − γd     x ← (1−c)x + cz     y ← (1−β)z + βx
 *
 * `optimizer.evaluation` is x, and so are the parameters after `finalize`, from where z would go on too. Statistics of batch
 * normalisation belong to y: compute them anew at x. Default η 1.
 *
 * Source: facebookresearch/schedule_free, 70785b5.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function scheduleFree(options: ScheduleFreeOptions): Rule {
  const o = resolve('schedule-free', options, {
    ...generalOptions('schedule-free'),
    ...table,
    direction: stage,
    learningRate: nonNegative(1),
    beta: openUnit(0.9),
  });
  const { direction } = o;
  if (direction === null)
    throw new OptionTypeError(message(o.name, 'direction', 'a direction such as adam({ beta1: 0 })', options.direction));
  return general(o, rule(direction, averaging(o)));
}

export interface ScheduleFreeSgdOptions extends Shared {
  /** β in (0, 1), default 0.9. */
  readonly beta?: Setting;
}

/**
 * Schedule-free SGD: `scheduleFree` with d = g. Default η 1.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function scheduleFreeSgd(options: ScheduleFreeSgdOptions = {}): Rule {
  const o = resolve('schedule-free-sgd', options, {
    ...generalOptions('schedule-free-sgd'),
    ...table,
    learningRate: nonNegative(1),
    beta: openUnit(0.9),
  });
  return general(o, rule(perTensor({ name: 'gradient', apply: () => ({}) }), averaging(o)));
}

export interface ScheduleFreeAdamWOptions extends Shared {
  /** β in (0, 1), default 0.9. */
  readonly beta1?: Setting;
  /** Weight of the past in the mean square, [0, 1), default 0.999. */
  readonly beta2?: Setting;
  /** ε > 0, default 1e-8. */
  readonly epsilon?: Setting;
  /** Weight of the past in a mean of gradients beside the average, [0, 1), default 0: none, and no slot. */
  readonly innerMomentum?: Setting;
}

/**
 * Schedule-free AdamW: `scheduleFree` with d = g/(√(v/(1−β₂ᵗ)) + ε), or a corrected mean of g above it. Default η 2.5e-3.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function scheduleFreeAdamW(options: ScheduleFreeAdamWOptions = {}): Rule {
  const o = resolve('schedule-free-adamw', options, {
    ...generalOptions('schedule-free-adamw'),
    ...table,
    learningRate: nonNegative(2.5e-3),
    beta1: openUnit(0.9),
    beta2: unit(0.999),
    epsilon: positive(1e-8),
    innerMomentum: unit(0),
  });
  const { name, beta1: beta, beta2, epsilon, innerMomentum } = o;
  const still = innerMomentum.value === 0;
  return general(
    o,
    rule(still ? bySquares(name, beta2, epsilon) : adam({ name, beta1: innerMomentum, beta2, epsilon }), averaging({ ...o, beta })),
  );
}

/** g/(√(v/(1−β₂ᵗ)) + ε): Adam without a mean. */
const bySquares = (name: string, beta2: Hyper, epsilon: Hyper): Transform =>
  perTensor({
    name,
    hyper: { beta2, epsilon },
    state: ({ shape }) => ({ v: { shape, kind: 'diagonal', nonNegative: true } }),
    apply({ update, state: { v }, hyper: h, count: t, site }) {
      const g = saturate(update, site.largest, 2);
      const v1 = v.lerp(g.square(), h.beta2.not());
      return { update: g.div(v1.div(debias(h.beta2, t)).sqrt().add(h.epsilon)), state: { v: v1 } };
    },
  });

interface Settings {
  readonly learningRate: Hyper;
  readonly beta: Hyper;
  readonly weightDecay: Hyper;
  readonly warmupSteps: number;
  readonly r: Hyper;
  readonly weightLrPower: Hyper;
}

const shared = '';

/** The move: from y and z to the next, x being z + (y − z)/β. */
function averaging({ learningRate, beta, weightDecay, warmupSteps, r, weightLrPower }: Settings): Transform {
  const name = 'average';
  const number = { shape: [], kind: 'invariant', dtype: 'wide' } as const;

  /** γ, and the weight c of this step in the average. */
  function weigh(here: Site): { readonly rate: Tensor; readonly c: Tensor } {
    const t = here.count(shared);
    const rate = warmupSteps === 0 ? here.hyper(learningRate) : here.hyper(learningRate).mul(t.div(warmupSteps).min(1));
    const largest = here.get('rate', shared).max(rate);
    const w = largest.pow(here.hyper(weightLrPower)).mul(t.pow(here.hyper(r)));
    const W = here.get('weight', shared).add(w);
    here.set('rate', shared, largest);
    here.set('weight', shared, W);
    return { rate, c: w.div(where(W.gt(0), W, 1)).working() };
  }

  return {
    name,
    declare(parameters, at) {
      const here = at.child(name);
      for (const hyper of [learningRate, beta, weightDecay, r, weightLrPower]) here.hyper(hyper);
      here.slot('rate', shared, number);
      here.slot('weight', shared, number);
      for (const [owner, shape] of Object.entries(parameters)) here.slot('z', owner, { shape, kind: 'invariant' });
    },
    once(moment, parameters, site) {
      if (moment === 'construct') return parameters;
      const here = site.child(name);
      return mapValues(parameters, (y, owner) => {
        if (here.peek(owner, anyYet) === 'none') return y;
        return here.writing(owner, () => {
          const z = here.get('z', owner);
          const x = z.add(y.sub(z).div(here.hyper(beta)));
          if (moment === 'finalize') here.set('z', owner, x);
          return x;
        });
      });
    },
    apply(flow, site) {
      const here = site.child(name);
      const owners = Object.keys(flow.updates);
      if (owners.length === 0) return flow;
      const { rate, c } = here.writing(shared, () => weigh(here));
      const b = here.hyper(beta);
      const moved = owners.map((owner): [string, Tensor] => [
        owner,
        here.writing(owner, () => {
          const y = required(flow.parameters, owner, 'parameter');
          const z = where(here.count(owner).eq(1), y, here.get('z', owner));
          const u = required(flow.updates, owner, 'update');
          const gain = flow.gains[owner];
          const d = saturate((gain === undefined ? u : u.mul(gain)).add(y.mul(here.hyper(weightDecay))), here.largest);
          here.set('z', owner, saturate(z.sub(d.mul(rate)), here.largest));
          return saturate(y.lerp(z, c).sub(d.mul(c.not().mul(b).not().mul(rate))), here.largest);
        }),
      ]);
      return { ...flow, parameters: { ...flow.parameters, ...Object.fromEntries(moved) } };
    },
  };
}
