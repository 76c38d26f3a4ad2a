import type { Resolved, Transform } from '@opt/core';
import { type marsTable, onChange } from './mars-direction.ts';

/**
 * MARS in its exact form: z is the gradient of this batch at the parameters of the previous step. The objective gives it as the
 * difference of two of its gradients: in place of Hessian products, for the whole model.
 */
export const exactDirection = (o: Resolved<typeof marsTable> & { readonly name: string }): Transform =>
  onChange(o, {
    slots: {},
    change(owner, g, here) {
      if (here.pass !== 'step' || here.phase(owner, opening) === 'first') return g;
      return here.product(owner, g.shape).Hz.neg();
    },
  });

const opening = (count: number): 'first' | 'later' => (count === 1 ? 'first' : 'later');

/** Keeps the parameters of the previous step, and asks for the gradient there: of every parameter, whoever moves it. */
export const lookBack = (name: string): Transform => ({
  name: 'look-back',
  declare(parameters, at) {
    const here = at.child('look-back');
    here.needs({ what: 'hvp', by: name, differences: { method: 'forward', h: 'whole' } });
    for (const [owner, shape] of Object.entries(parameters)) here.slot('parameters', owner, { shape, kind: 'vector' });
  },
  apply(flow, site) {
    const here = site.child('look-back');
    if (Object.keys(flow.updates).length === 0) return flow;
    const first = here.phase('', opening) === 'first';
    for (const [owner, parameter] of Object.entries(flow.parameters)) {
      here.writing(owner, () => {
        if (site.pass === 'probe' && !first) here.probe(owner, here.get('parameters', owner).sub(parameter));
        here.set('parameters', owner, parameter);
      });
    }
    return site.pass === 'probe' ? { ...flow, updates: {} } : flow;
  },
});
