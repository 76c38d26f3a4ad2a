import { choice } from '../options/options.ts';
import { record } from '../records.ts';
import { requiredStage } from './stage-options.ts';
import type { Moment, Site, Tensors, Transform } from './transform.ts';

/**
 * Drops the whole step if any gradient that reaches it holds a NaN or an infinity: it is as if the call had never been made.
 * The host looks before anything is written; where it must not wait for the device, it looks at gradients that came as arrays, and
 * for others every result of the step is a select on the device. `otherwise` 'throw': a `NonFiniteGradientError` that names the
 * parameters, with nothing changed.
 */
export function skipNonFinite(inner: Transform, otherwise: 'skip' | 'throw' = 'skip'): Transform {
  requiredStage(inner, 'skipNonFinite', 'inner');
  choice('skip', ['skip', 'throw'])(otherwise, 'skipNonFinite', 'otherwise');
  const { once, separable = false } = inner;
  return {
    name: '',
    separable,
    declare(parameters, at) {
      at.guards(otherwise);
      inner.declare(parameters, at);
    },
    ...(once && { once: (moment: Moment, parameters: Tensors, site: Site): Tensors => once(moment, parameters, site) }),
    apply(flow, site) {
      if (!site.reachedBy(flow) && !site.flushing) return flow;
      if (site.pass === 'check') {
        site.mustBeFinite(flow.updates, otherwise);
        return { ...flow, updates: record() };
      }
      site.takeAsFinite(flow.updates);
      return inner.apply(flow, site.clocked('guard'));
    },
  };
}
