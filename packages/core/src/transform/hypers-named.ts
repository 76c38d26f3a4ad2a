import type { Hyper } from '../options/hyper.ts';
import type { Declarer, Transform } from './transform.ts';

/** The hyperparameters of this name that a transform holds, whatever the parameters: what a wrapper may share. */
export function hypersNamed(name: string, transform: Transform): readonly Hyper[] {
  const found = new Set<Hyper>();
  const at: Declarer = {
    path: '',
    deviceDecides: false,
    about: () => ({}),
    child: () => at,
    slot: () => undefined,
    hyper: (hyper) => void (hyper.name === name && found.add(hyper)),
    needs: () => undefined,
    guards: () => undefined,
    scope: (_, f) => f(),
  };
  transform.declare({}, at);
  return [...found];
}
