import { TransformError } from '../errors.ts';
import { choice, optional, resolve } from '../options/options.ts';
import { own, record } from '../records.ts';
import { full, saturate } from '../trace/functions.ts';
import type { Tensor } from '../trace/tensor.ts';
import { describe } from '../validation/describe.ts';
import { requiredStage } from './stage-options.ts';
import type { Declarer, Moment, Site, Tensors, Transform } from './transform.ts';

/** Where the calls of a window are counted: apart from the parameters, one of which may be called ''. */
const window = (here: Site): Site => here.child('window');

/** A declarer that refuses what an objective would say of one of the calls only. */
const withoutObjective = (at: Declarer, gathers: boolean): Declarer => ({
  ...at,
  child: (name) => withoutObjective(at.child(name), gathers),
  needs(need) {
    if (need.evaluated === undefined ? !ofObjective.has(need.what) : gathers) return at.needs(need);
    const instead =
      need.evaluated === undefined
        ? 'leave accumulation out, and give an objective of the whole batch'
        : "write accumulate(n, inner, { objectives: 'window' }), which asks those of all calls, or give an objective of the whole batch";
    throw new TransformError(
      `accumulate: ${need.by} needs ${need.what}, which an objective gives for the last call of a window only; ${instead}`,
    );
  },
});

const ofObjective: ReadonlySet<string> = new Set(['loss', 'hvp', 'perSampleGradients']);

/** One question for all parameters that have always stepped together. */
export const anyYet = (count: number): 'some' | 'none' => (count > 0 ? 'some' : 'none');

export interface AccumulateOptions {
  /**
   * Whom stages inside ask (`site.evaluate`): nobody, which is an error when the optimizer is made (null, default); or the objectives of all calls
   * of the window, each at the same place, whose mean is the answer. They are kept until the window closes, with whatever they hold.
   */
  readonly objectives?: 'window' | null;
}

/**
 * Adds up the gradients of n calls and hands on their mean, sum/n, on the n-th. A parameter that had a gradient in any of
 * the n calls is updated; one that had none is left alone. A call that a guard around it drops is none of the n; where only the
 * device knows of it, the window closes with the gradients that are left, and their mean is that of those. `optimizer.flush()` closes a
 * window early, with the mean of what it holds. A sum ends at the largest number of
 * working precision.
 */
export function accumulate(n: number, inner: Transform, options: AccumulateOptions = {}): Transform {
  if (!Number.isInteger(n) || n < 2)
    throw new TransformError(`accumulate: gradientAccumulationSteps must be an integer >= 2, received ${describe(n)}`);
  requiredStage(inner, 'accumulate', 'inner');
  const { objectives } = resolve('accumulate', options, { objectives: optional(choice<'window'>('window', ['window'])) });
  const { once } = inner;

  /** How many gradients the mean is of: where the device drops calls, only it knows. */
  function collected(here: Site, closes: boolean): Tensor | number {
    const own = here.flushing ? 0 : 1;
    if (!here.deviceDecides) return here.flushing ? window(here).count('').sub(1) : n;
    const before = here.get('collected', '');
    here.set('collected', '', closes ? full([], 0) : before.add(1));
    return before.add(own).max(1);
  }

  /** What becomes of this call. */
  function fate(here: Site): 'collect' | 'close' | 'nothing' {
    if (here.flushing) return window(here).peek('', anyYet) === 'some' ? 'close' : 'nothing';
    return window(here).phase('', (calls) => (calls >= n ? 'close' : 'collect'));
  }

  return {
    name: '',
    separable: inner.separable === true && objectives === null,
    declare(parameters, at) {
      at.apart?.('late');
      const here = at.child('accumulate');
      for (const [owner, shape] of Object.entries(parameters)) here.slot('sum', owner, { shape, kind: 'invariant' });
      if (at.deviceDecides) {
        here.slot('collected', '', { shape: [], kind: 'invariant', counts: 'taken' });
        here.slot('dropped', '', { shape: [], kind: 'invariant', counts: 'dropped' });
      }
      inner.declare(parameters, withoutObjective(at, objectives !== null));
    },
    ...(once && { once: (moment: Moment, parameters: Tensors, site: Site): Tensors => once(moment, parameters, site) }),
    apply(flow, site) {
      const here = site.child('accumulate');
      const plus = (sum: Tensor, update: Tensor): Tensor => saturate(sum.add(update), here.largest);
      const what = fate(here);
      if (what === 'nothing') return { ...flow, updates: record() };
      const close = what === 'close';
      if (objectives !== null) window(here).gathers(close);
      const count = here.writing('', () => collected(here, close));
      if (!close) {
        for (const [owner, update] of Object.entries(flow.updates)) {
          here.count(owner);
          here.set('sum', owner, plus(here.get('sum', owner), update));
        }
        return { ...flow, updates: record() };
      }
      window(here).reset('');
      const means = record<Tensor>();
      const { alone, pass } = site;
      for (const owner of Object.keys(flow.parameters)) {
        if (alone !== undefined && owner !== alone) continue;
        const update = own(flow.updates, owner);
        // A sum of none is 0, for what is computed of all together.
        const before = pass === 'joint' || here.peek(owner, anyYet) === 'some';
        if (!before && update === undefined) continue;
        const sum = here.get('sum', owner);
        means[owner] = (update === undefined ? sum : before || here.deviceDecides ? plus(sum, update) : update).div(count);
        if (before || here.deviceDecides) here.set('sum', owner, full(sum.shape, 0));
        here.reset(owner);
      }
      const around = {
        late: [here.path],
        ...(here.deviceDecides && { dropped: here.tally('dropped', '') }),
        ...(here.flushing && { flushed: true }),
      };
      return inner.apply({ ...flow, updates: means, gradients: means, gains: record() }, site.child('', around).clocked('accumulate'));
    },
  };
}
