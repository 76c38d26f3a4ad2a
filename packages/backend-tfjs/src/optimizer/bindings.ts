import { CheckpointError, printShape, type Shape, sameShape } from '@opt/core';

/** A parameter of a saved state: its key there, and the variable it was. */
export interface Known {
  readonly key: string;
  /** The name the variable had. */
  readonly name: string;
  readonly shape: Shape;
  /** The last step it had a gradient in. */
  readonly last: number;
}

/** A variable that has come with a gradient, or with none. */
export interface Incoming {
  readonly name: string;
  readonly shape: Shape;
}

/**
 * Which saved parameter each variable is; a variable that is left out is a newcomer. Names decide, as they are. Where not one is the same
 * (tfjs puts `_1` behind the names of a model that is loaded beside its original), names without such suffixes do; where none of those
 * is, paths of layers do, `dense_Dense4/kernel` for `dense_Dense1/kernel` if they come in the same order; where nothing in a name
 * tells, the order of declaration does, if all shapes agree.
 *
 * @throws CheckpointError where two ways are as good: never a guess
 */
export function identify(saved: readonly Known[], incoming: readonly Incoming[]): Map<string, Known> {
  const known = replaced(saved, incoming);
  const exact = byName(known, incoming);
  if (exact.size > 0) return checked(exact, known, incoming);
  for (const path of [withoutSuffix, layerPath]) {
    const found = byPath(known, incoming, path);
    if (found.size > 0) return found;
  }
  return byOrder(known, incoming);
}

/**
 * The same for variables that join later: one of the saved parameters that have not met theirs, or a newcomer. Suffixes tell only where
 * no other variable came under its own name.
 */
export function identifyLate(unmet: readonly Known[], incoming: readonly Incoming[], named: boolean): Map<string, Known> {
  const exact = byName(unmet, incoming);
  return exact.size > 0 || named ? exact : byPath(unmet, incoming, withoutSuffix);
}

const byName = (known: readonly Known[], incoming: readonly Incoming[]): Map<string, Known> => {
  const names = new Map(known.map((one) => [one.name, one]));
  return new Map(
    incoming.flatMap(({ name, shape }) => {
      const one = names.get(name);
      return one !== undefined && sameShape(one.shape, shape) ? [[name, one] as const] : [];
    }),
  );
};

/**
 * A layer that was replaced by one of its name leaves two parameters, `head/kernel` and `head/kernel_1`. In a session that has one of
 * them, which is called `head/kernel`, the one that was trained last is meant.
 */
function replaced(known: readonly Known[], incoming: readonly Incoming[]): readonly Known[] {
  const alike = (a: Incoming, b: Incoming): boolean => withoutSuffix(a.name) === b.name && sameShape(a.shape, b.shape);
  return known.map((one) => {
    if (!one.name.includes('/') || !incoming.some(({ name }) => name === one.name)) return one;
    const later = known.filter((other) => other !== one && alike(other, one)).sort((a, b) => b.last - a.last);
    const [latest, next = one] = later;
    const alone = incoming.filter((other) => alike(other, one)).length === 1;
    return alone && latest !== undefined && latest.last > one.last && latest.last > next.last ? { ...latest, name: one.name } : one;
  });
}

/** Names that count (`dense_Dense2`, `3`) may be the same and mean another: where some fit and others are over on both sides, all of them must be in order. */
function checked(exact: Map<string, Known>, known: readonly Known[], incoming: readonly Incoming[]): Map<string, Known> {
  const taken = new Set(exact.values());
  for (const one of incoming) {
    if (exact.has(one.name)) continue;
    const path = layerPath(one.name);
    if (path === one.name) continue;
    const alike = (other: Incoming): boolean => layerPath(other.name) === path && sameShape(other.shape, one.shape);
    const [before, now] = [known.filter(alike).sort(byNumbers), incoming.filter(alike).sort(byNumbers)];
    if (before.every((other) => taken.has(other))) continue;
    const parted = now.findIndex(({ name }, i) => exact.get(name) !== before[i] || before[i] === undefined);
    if (now.slice(parted).some(({ name }) => exact.has(name))) throw ambiguous(one, before);
  }
  return exact;
}

function byPath(known: readonly Known[], incoming: readonly Incoming[], pathOf: (name: string) => string): Map<string, Known> {
  const result = new Map<string, Known>();
  const paths = new Set(incoming.filter(({ name }) => !generated(name)).map(({ name, shape }) => `${pathOf(name)} ${shape}`));
  for (const path of paths) {
    const inPath = ({ name, shape }: Incoming): boolean => `${pathOf(name)} ${shape}` === path;
    const [before, now] = [known.filter(inPath).sort(byNumbers), incoming.filter(inPath).sort(byNumbers)];
    if (before.length === 0) continue;
    const [first] = now;
    if (before.length !== now.length && first !== undefined) throw ambiguous(first, before);
    now.forEach(({ name }, i) => {
      const one = before[i];
      if (one !== undefined) result.set(name, one);
    });
  }
  return result;
}

function byOrder(known: readonly Known[], incoming: readonly Incoming[]): Map<string, Known> {
  if (known.length === incoming.length && known.every(({ shape }, i) => sameShape(shape, incoming[i]?.shape ?? [])))
    return new Map(incoming.map(({ name }, i) => [name, known[i]]).filter((entry): entry is [string, Known] => entry[1] !== undefined));
  const [first] = incoming;
  if (first === undefined) return new Map();
  throw new CheckpointError(
    `toTfjsOptimizer: none of the variables ${incoming.map(({ name, shape }) => `'${name}' ${printShape(shape)}`).join(', ')} has the name of a saved parameter (${known.map(({ name, shape }) => `'${name}' ${printShape(shape)}`).join(', ')}), and they are not as many of the same shapes in the same order; give the first step all of them (null for one without a gradient), or give variables names`,
  );
}

const ambiguous = ({ name, shape }: Incoming, rivals: readonly Known[]): CheckpointError =>
  new CheckpointError(
    `toTfjsOptimizer: variable '${name}' ${printShape(shape)} may be any of the saved parameters ${rivals.map((one) => `'${one.name}'`).join(', ')}, whose names are counted; give layers and variables names of their own, or the first step all variables (null for one without a gradient)`,
  );

/** A name that tfjs gave to a variable without one: 0, 1, … */
const generated = (name: string): boolean => /^\d+$/.test(name);

/** `dense/kernel` for `dense/kernel_1`; `dense_1/kernel_2` stays `dense_1/kernel`. */
const withoutSuffix = (name: string): string => name.replace(/_\d+$/, '');

/** `dense_Dense/kernel` for `dense_Dense4/kernel_1`: without the numbers that depend on what was built before. */
const layerPath = (name: string): string => withoutSuffix(name).replace(/\d+(?=\/|$)/g, '');

const numbersOf = (name: string): number[] => [...name.matchAll(/\d+(?=\/|$)/g)].map(([digits]) => Number(digits));

/** In the order in which counted names were given. */
function byNumbers(a: Incoming, b: Incoming): number {
  const [x, y] = [numbersOf(a.name), numbersOf(b.name)];
  const at = x.findIndex((number, i) => number !== y[i]);
  return at < 0 ? x.length - y.length : (x[at] ?? 0) - (y[at] ?? 0);
}
