import type { Declarer, Hyper, Scalar, Shape, Transform } from '@opt/core';

/** The live hyperparameters a transform declares for these parameters, by the address `optimizer.set` takes. */
export function declaredHypers(transform: Transform, parameters: Readonly<Record<string, Shape>>): Map<string, Scalar> {
  const places = new Map<Hyper, string>();
  const at = (path: string): Declarer => ({
    path,
    deviceDecides: false,
    child: (name) => at([path, name].filter((segment) => segment !== '').join('/')),
    slot() {},
    needs() {},
    guards() {},
    hyper(hyper) {
      if (!places.has(hyper)) places.set(hyper, path);
    },
    scope: (_, f) => f(),
  });
  transform.declare(parameters, at(''));
  const alone = (hyper: Hyper): boolean => [...places.keys()].every((other) => other === hyper || other.name !== hyper.name);
  return new Map([...places].map(([hyper, path]) => [alone(hyper) ? hyper.name : `${path}/${hyper.name}`, hyper.value]));
}
