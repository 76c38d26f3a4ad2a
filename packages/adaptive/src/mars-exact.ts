import { type Extras, mapValues, type Resolved, saturate, type Transform } from '@opt/core';
import { type marsTable, onChange } from './mars-direction.ts';

/** What a step finds at the parameters of the previous one. */
const before = 'before';

/** MARS in its exact form: z is the gradient of this batch at the parameters of the previous step. */
export const exactDirection = (o: Resolved<typeof marsTable> & { readonly name: string }): Transform =>
  onChange(o, {
    slots: {},
    change(owner, g, here) {
      const z = here.of(owner).extras[before];
      return z === undefined ? g : g.sub(saturate(z, here.largest, 1, 8));
    },
  });

const opening = (count: number): 'first' | 'later' => (count === 1 ? 'first' : 'later');

/**
 * Keeps the parameters of the previous step and asks for the gradient there, from the second step on: with every parameter where it was,
 * whoever moves it. The stages inside find it among their extras.
 */
export const lookBack = (name: string, inner: Transform): Transform => ({
  name: 'look-back',
  declare(parameters, at) {
    const here = at.child('look-back');
    here.needs({ what: 'gradient', by: name, evaluated: 'shifted' });
    for (const [owner, shape] of Object.entries(parameters)) here.slot('parameters', owner, { shape, kind: 'vector' });
    inner.declare(parameters, at);
  },
  apply(flow, site) {
    const here = site.child('look-back');
    if (Object.keys(flow.updates).length === 0) return flow;
    const first = here.phase('', opening) === 'first';
    const offered = mapValues(flow.parameters, (parameter, owner) =>
      here.writing(owner, (): Extras => {
        const back = here.get('parameters', owner).sub(parameter);
        here.set('parameters', owner, parameter);
        return first ? {} : { [before]: here.evaluate('before', owner, { want: 'gradient', shift: back }) };
      }),
    );
    return inner.apply(flow, site.child('', { offered }));
  },
});
