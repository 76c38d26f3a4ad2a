import { BackendError, type Shape, sameShape } from '@opt/core';

/** A parameter the optimizer knows by a key, and what it looks like. */
export interface Known {
  readonly key: string;
  readonly shape: Shape;
}

/** A variable that has come with a gradient, or with none. */
export interface Incoming {
  readonly name: string;
  readonly shape: Shape;
}

/**
 * Which parameter each variable is, after a load: names of variables are global in tfjs, so a model that is loaded beside its
 * original has others. If the variables are as many as the parameters and have their shapes, order decides; else names do, a
 * suffix `_1` aside. Never a guess: what fits in two ways throws a BackendError.
 */
export function identify(known: readonly Known[], incoming: readonly Incoming[]): Map<string, string> {
  const inOrder = known.length === incoming.length && known.every(({ shape }, i) => sameShape(shape, incoming[i]?.shape ?? []));
  if (inOrder) return new Map(incoming.map(({ name }, i) => [name, known[i]?.key ?? name]));
  const exact = incoming.every(({ name, shape }) => known.some((one) => one.key === name && sameShape(one.shape, shape)));
  if (exact) return new Map(incoming.map(({ name }) => [name, name]));
  const result = new Map<string, string>();
  for (const { name, shape } of incoming) {
    const fitting = known.filter((one) => base(one.key) === base(name) && sameShape(one.shape, shape));
    const [only] = fitting;
    const rivals = incoming.filter((other) => base(other.name) === base(name) && sameShape(other.shape, shape));
    if (only === undefined || fitting.length > 1 || rivals.length > 1) {
      throw new BackendError(
        `toTfjsOptimizer: variable '${name}' of shape [${shape}] is ${only === undefined ? 'none' : 'not clearly one'} of the saved parameters ${known.map(({ key }) => `'${key}'`).join(', ')}; take a first step with gradients of all of them`,
      );
    }
    result.set(name, only.key);
  }
  return result;
}

/** `dense/kernel` for `dense/kernel_1`, `dense_1/kernel_2` stays `dense_1/kernel`. */
const base = (name: string): string => name.replace(/_\d+$/, '');
