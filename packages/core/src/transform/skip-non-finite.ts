import { OptionTypeError } from '../errors.ts';
import { mapValues } from '../records.ts';
import { all, allFinite, where } from '../trace/functions.ts';
import type { Moment, Site, Tensors, Transform } from './transform.ts';

/**
 * Drops the whole call if any gradient that reaches it holds a NaN or an infinity: no parameter, state or counter of what it
 * wraps changes. The host decides where it can look before anything is written; on a device that must not be read it is a
 * select on the new values, and host counters run on. `otherwise` 'throw': a `NonFiniteGradientError` that names the
 * parameters, with nothing changed.
 */
export function skipNonFinite(inner: Transform, otherwise: 'skip' | 'throw' = 'skip'): Transform {
  const { once } = inner;
  return {
    name: '',
    declare(parameters, at) {
      if (at.deviceDecides && otherwise === 'throw') {
        throw new OptionTypeError("nonFinite must be 'skip' on a backend that cannot be read within a step, received 'throw'");
      }
      if (at.deviceDecides) at.child('guard').slot('skipped', '', { shape: [], kind: 'invariant' });
      at.scope('guard', () => inner.declare(parameters, at));
    },
    ...(once && { once: (moment: Moment, parameters: Tensors, site: Site): Tensors => once(moment, parameters, site) }),
    apply(flow, site) {
      if (Object.keys(flow.updates).length === 0) return flow;
      const here = site.child('guard');
      if (site.pass === 'check') {
        site.verdict(
          mapValues(flow.updates, (update, owner) => here.writing(owner, () => allFinite(update))),
          otherwise,
        );
        return { ...flow, updates: {} };
      }
      if (!site.checked()) return { ...flow, updates: {} };
      const inside = site.clocked('guard');
      if (!site.deviceDecides) return inner.apply(flow, inside);

      const passed = all(Object.entries(flow.updates).map(([owner, update]) => here.writing(owner, () => allFinite(update))));
      here.set('skipped', '', here.get('skipped', '').add(passed.not()));
      const slots = site.scope('guard');
      const before = slots.map((slot) => slot.get());
      const result = inner.apply(flow, inside);
      for (const [i, slot] of slots.entries()) slot.set(where(passed, slot.get(), before[i] ?? slot.get()));
      return {
        ...result,
        parameters: mapValues(result.parameters, (moved, owner) => where(passed, moved, flow.parameters[owner] ?? moved)),
      };
    },
  };
}
