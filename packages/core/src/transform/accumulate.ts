import { TransformError } from '../errors.ts';
import { full } from '../trace/functions.ts';
import type { Tensor } from '../trace/tensor.ts';
import type { Moment, Site, Tensors, Transform } from './transform.ts';

/** One question for all parameters that have always stepped together. */
export const anyYet = (count: number): 'some' | 'none' => (count > 0 ? 'some' : 'none');

/**
 * Adds up the gradients of n calls and hands on their mean, sum/n, on the n-th. A parameter that had a gradient in any of
 * the n calls is updated; one that had none is left alone.
 */
export function accumulate(n: number, inner: Transform): Transform {
  if (!Number.isInteger(n) || n < 2)
    throw new TransformError(`accumulate: gradientAccumulationSteps must be an integer >= 2, received ${n}`);
  const { once } = inner;
  return {
    name: '',
    declare(parameters, at) {
      const here = at.child('accumulate');
      for (const [owner, shape] of Object.entries(parameters)) here.slot('sum', owner, { shape, kind: 'invariant' });
      inner.declare(parameters, at);
    },
    ...(once && { once: (moment: Moment, parameters: Tensors, site: Site): Tensors => once(moment, parameters, site) }),
    apply(flow, site) {
      const here = site.child('accumulate');
      const close = here.phase('', (calls) => (calls >= n ? 'close' : 'collect')) === 'close';
      if (!close) {
        for (const [owner, update] of Object.entries(flow.updates)) {
          here.count(owner);
          here.set('sum', owner, here.get('sum', owner).add(update));
        }
        return { ...flow, updates: {} };
      }
      here.reset('');
      const means: Record<string, Tensor> = {};
      for (const owner of Object.keys(flow.parameters)) {
        const { [owner]: update } = flow.updates;
        const before = here.peek(owner, anyYet) === 'some';
        if (!before && update === undefined) continue;
        const sum = here.get('sum', owner);
        means[owner] = (update === undefined ? sum : before ? sum.add(update) : update).div(n);
        // Written anew, not multiplied away: 0·NaN would poison every window to come.
        if (before) here.set('sum', owner, full(sum.shape, 0));
        here.reset(owner);
      }
      return inner.apply({ ...flow, updates: means, gradients: means, gains: {} }, site.clocked('accumulate'));
    },
  };
}
