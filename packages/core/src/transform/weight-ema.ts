import type { Setting } from '../options/hyper.ts';
import { checkNames, type Names, names } from '../options/names.ts';
import { closedUnit, integer, optional, resolve, text } from '../options/options.ts';
import { mapValues, merged, record, required } from '../records.ts';
import { mod, where } from '../trace/functions.ts';
import type { Tensor } from '../trace/tensor.ts';
import { requiredStage } from './stage-options.ts';
import type { Site, Tensors, Transform } from './transform.ts';

export interface WeightEmaOptions {
  /** μ, default 0.99. */
  readonly emaMomentum?: Setting;
  /** Every how many applied steps p ← a; default null: never. */
  readonly emaOverwriteFrequency?: number | null;
  /** λ in [0, 1], default 1: the read-out is λa + (1−λ)p. */
  readonly blend?: Setting;
  /** The average begins after this many applied steps, integer ≥ 0, default 1; 0: with the parameters before the first. */
  readonly from?: number;
  /** Parameters that are not averaged; default none. */
  readonly exclude?: Names;
  /** Prefix of state keys, default 'weight-ema'. */
  readonly name?: string;
}

/**
 * Keeps an average of the parameters, or of what `inner` judges in their place: a ← p after step `from`, then a ← μ·a + (1−μ)·p. The
 * read-out λa + (1−λ)p is `optimizer.evaluation`; every `emaOverwriteFrequency`-th applied step, and once in
 * `optimizer.finalize()`, the parameters become it. Until the average begins it is the parameters.
 */
export function weightEma(options: WeightEmaOptions, inner: Transform): Transform {
  const { name, emaMomentum, emaOverwriteFrequency, blend, from, exclude } = resolve('weightEma', options, {
    emaMomentum: closedUnit(0.99),
    emaOverwriteFrequency: optional(integer(1)),
    blend: closedUnit(1),
    from: integer(1, 0),
    exclude: names,
    name: text('weight-ema'),
  });
  requiredStage(inner, 'weightEma', 'inner');
  const begun = (count: number): 'some' | 'none' => (count >= Math.max(from, 1) ? 'some' : 'none');
  /** What the parameters are judged with inside. */
  const judged = (parameters: Tensors, site: Site): Tensors => inner.once?.('evaluate', parameters, site) ?? parameters;

  /** The average after this step, and the parameter as it then is. */
  function averaged(here: Site, owner: string, before: Tensor, after: Tensor, moved: Tensor): Tensor {
    const steps = here.count(owner);
    const old = from === 0 ? where(steps.eq(1), before, here.get('average', owner)) : here.get('average', owner);
    const further = old.lerp(after, here.hyper(emaMomentum).not());
    const average = from === 0 ? further : where(steps.le(from), after, further);
    here.set('average', owner, average);
    if (emaOverwriteFrequency === null) return moved;
    return where(mod(steps, emaOverwriteFrequency).eq(0).mul(steps.ge(from)), after.lerp(average, here.hyper(blend)), moved);
  }

  return {
    name: '',
    separable: inner.separable === true,
    declare(parameters, at) {
      const here = at.child(name);
      checkNames('weightEma', 'exclude', exclude, parameters);
      for (const hyper of [emaMomentum, blend]) here.hyper(hyper);
      for (const [owner, shape] of Object.entries(parameters))
        if (!exclude.includes(owner, shape)) here.slot('average', owner, { shape, kind: 'invariant' });
      inner.declare(parameters, at);
    },
    once(moment, parameters, site) {
      const rest = inner.once?.(moment, parameters, site) ?? parameters;
      if (moment === 'construct') return rest;
      const here = site.child(name);
      return mapValues(rest, (parameter, owner) =>
        exclude.includes(owner, parameter.shape) || here.peek(owner, begun) === 'none'
          ? parameter
          : here.writing(owner, () => parameter.lerp(here.get('average', owner), here.hyper(blend))),
      );
    },
    apply(flow, site) {
      const here = site.child(name);
      const before = from === 0 ? judged(flow.parameters, site) : flow.parameters;
      const result = inner.apply(flow, site);
      const after = judged(result.parameters, site);
      const of = (parameters: Tensors, owner: string): Tensor => required(parameters, owner, 'parameter');
      const kept = Object.keys(flow.updates).filter((owner) => !exclude.includes(owner, of(flow.parameters, owner).shape));
      const averages = kept.map(
        (owner) =>
          [
            owner,
            here.writing(owner, () => averaged(here, owner, of(before, owner), of(after, owner), of(result.parameters, owner))),
          ] as const,
      );
      return { ...result, parameters: merged(result.parameters, record(averages)) };
    },
  };
}
