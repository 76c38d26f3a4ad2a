import type { Setting } from '../options/hyper.ts';
import { closedUnit, integer, optional, requiredStage, resolve } from '../options/options.ts';
import { mapValues, merged, required } from '../records.ts';
import { mod, where } from '../trace/functions.ts';
import type { Tensor } from '../trace/tensor.ts';
import { anyYet } from './accumulate.ts';
import type { Site, Transform } from './transform.ts';

export interface WeightEmaOptions {
  /** μ, default 0.99. */
  readonly emaMomentum?: Setting;
  /** Every how many applied steps p ← a; default null: never. */
  readonly emaOverwriteFrequency?: number | null;
}

/**
 * Keeps an average of the parameters: a ← p after the first applied step, then a ← μ·a + (1−μ)·p; every
 * `emaOverwriteFrequency`-th applied step p ← a; `optimizer.finalize()` does p ← a once.
 */
export function weightEma(options: WeightEmaOptions, inner: Transform): Transform {
  const { emaMomentum, emaOverwriteFrequency } = resolve('weightEma', options, {
    emaMomentum: closedUnit(0.99),
    emaOverwriteFrequency: optional(integer(1)),
  });
  requiredStage(inner, 'weightEma', 'inner');

  /** The average after this step, and the parameter as it then is. */
  function averaged(here: Site, owner: string, moved: Tensor): Tensor {
    const steps = here.count(owner);
    const old = here.get('average', owner);
    const average = where(steps.eq(1), moved, old.lerp(moved, here.hyper(emaMomentum).not()));
    here.set('average', owner, average);
    return emaOverwriteFrequency === null ? moved : where(mod(steps, emaOverwriteFrequency).eq(0), average, moved);
  }

  return {
    name: '',
    separable: inner.separable === true,
    declare(parameters, at) {
      const here = at.child('weight-ema');
      here.hyper(emaMomentum);
      for (const [owner, shape] of Object.entries(parameters)) here.slot('average', owner, { shape, kind: 'invariant' });
      inner.declare(parameters, at);
    },
    once(moment, parameters, site) {
      const rest = inner.once?.(moment, parameters, site) ?? parameters;
      if (moment === 'construct') return rest;
      const here = site.child('weight-ema');
      return mapValues(rest, (parameter, owner) => (here.peek(owner, anyYet) === 'some' ? here.get('average', owner) : parameter));
    },
    apply(flow, site) {
      const here = site.child('weight-ema');
      const result = inner.apply(flow, site);
      const averages = mapValues(flow.updates, (_, owner) =>
        here.writing(owner, () => averaged(here, owner, required(result.parameters, owner, 'parameter'))),
      );
      return { ...result, parameters: merged(result.parameters, averages) };
    },
  };
}
