import { TransformError } from '../errors.ts';
import { own, record } from '../records.ts';
import { full } from '../trace/functions.ts';
import type { Tensor } from '../trace/tensor.ts';
import { describe } from '../validation/describe.ts';
import { requiredStage } from './stage-options.ts';
import type { Declarer, Moment, Site, Tensors, Transform } from './transform.ts';

/** Where the calls of a window are counted: apart from the parameters, one of which may be called ''. */
const window = (here: Site): Site => here.child('window');

/** A declarer that refuses what an objective would say of the last of the calls only. */
const withoutObjective = (at: Declarer): Declarer => ({
  ...at,
  child: (name) => withoutObjective(at.child(name)),
  needs(need) {
    if (!ofObjective.has(need.what) && need.evaluated === undefined) return at.needs(need);
    throw new TransformError(
      `accumulate: ${need.by} needs ${need.what}, which an objective gives for the last call of a window only; leave accumulation out, and give an objective of the whole batch`,
    );
  },
});

const ofObjective: ReadonlySet<string> = new Set(['loss', 'hvp', 'perSampleGradients']);

/** One question for all parameters that have always stepped together. */
export const anyYet = (count: number): 'some' | 'none' => (count > 0 ? 'some' : 'none');

/**
 * Adds up the gradients of n calls and hands on their mean, sum/n, on the n-th. A parameter that had a gradient in any of
 * the n calls is updated; one that had none is left alone. A call that a guard around it drops is none of the n; where only the
 * device knows of it, the window closes with the gradients that are left, and their mean is that of those.
 */
export function accumulate(n: number, inner: Transform): Transform {
  if (!Number.isInteger(n) || n < 2)
    throw new TransformError(`accumulate: gradientAccumulationSteps must be an integer >= 2, received ${describe(n)}`);
  requiredStage(inner, 'accumulate', 'inner');
  const { once } = inner;

  /** How many gradients the mean is of, this one included: where the device drops calls, only it knows. */
  function collected(here: Site, closes: boolean): Tensor | number {
    if (!here.deviceDecides) return n;
    const before = here.get('collected', '');
    here.set('collected', '', closes ? full([], 0) : before.add(1));
    return before.add(1);
  }

  return {
    name: '',
    declare(parameters, at) {
      const here = at.child('accumulate');
      for (const [owner, shape] of Object.entries(parameters)) here.slot('sum', owner, { shape, kind: 'invariant' });
      if (at.deviceDecides) {
        here.slot('collected', '', { shape: [], kind: 'invariant', counts: 'taken' });
        here.slot('dropped', '', { shape: [], kind: 'invariant', counts: 'dropped' });
      }
      inner.declare(parameters, withoutObjective(at));
    },
    ...(once && { once: (moment: Moment, parameters: Tensors, site: Site): Tensors => once(moment, parameters, site) }),
    apply(flow, site) {
      const here = site.child('accumulate');
      const close = window(here).phase('', (calls) => (calls >= n ? 'close' : 'collect')) === 'close';
      const count = here.writing('', () => collected(here, close));
      if (!close) {
        for (const [owner, update] of Object.entries(flow.updates)) {
          here.count(owner);
          here.set('sum', owner, here.get('sum', owner).add(update));
        }
        return { ...flow, updates: record() };
      }
      window(here).reset('');
      const means = record<Tensor>();
      for (const owner of Object.keys(flow.parameters)) {
        const update = own(flow.updates, owner);
        const before = here.peek(owner, anyYet) === 'some';
        if (!before && update === undefined) continue;
        const sum = here.get('sum', owner);
        means[owner] = (update === undefined ? sum : before || here.deviceDecides ? sum.add(update) : update).div(count);
        if (before || here.deviceDecides) here.set('sum', owner, full(sum.shape, 0));
        here.reset(owner);
      }
      const counted = here.deviceDecides ? site.child('', { dropped: here.tally('dropped', '') }) : site;
      return inner.apply({ ...flow, updates: means, gradients: means, gains: record() }, counted.clocked('accumulate'));
    },
  };
}
