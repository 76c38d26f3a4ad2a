import { OptionRangeError, OptionTypeError } from '../errors.ts';
import { mapValues } from '../records.ts';
import { advice, describe, isPlain } from '../validation/describe.ts';
import { didYouMean } from '../validation/names.ts';
import { anyNumber, checkScalar, type Hyper, hyper, isHyper, message, type Range } from './hyper.ts';

/** Reads one option: `undefined` gives the default; a value that is not valid throws. */
export type Option<R> = (value: unknown, rule: string, option: string) => R;

/** The options of a rule after reading: hyperparameters as live objects, everything else as it is. */
export type Resolved<S> = { readonly [K in keyof S]: S[K] extends Option<infer R> ? R : never };

/**
 * Reads `given` by the table `options`, for a rule that is `called` so unless it is given a name; throws on an unknown name
 * (TypeError), a wrong type (TypeError) or a value out of range (RangeError), before anything is built. Messages:
 * `<rule>: <option> must be <rule>, received <value>`.
 */
export function resolve<S extends Readonly<Record<string, Option<unknown>>>>(called: string, given: object, options: S): Resolved<S> {
  if (!isPlain(given)) throw new OptionTypeError(`${message(called, 'options', 'an object', given)}${advice(given)}`);
  const values = new Map<string, unknown>(Object.entries(given));
  const own = values.get('name');
  const rule = Object.hasOwn(options, 'name') && isName(own) ? own : called;
  const known = Object.keys(options);
  for (const name of values.keys()) if (!known.includes(name)) throw new OptionTypeError(unknownOption(rule, name, known));
  const read: Record<string, unknown> = mapValues<string, Option<unknown>, unknown>(options, (option, name) =>
    option(values.get(name), rule, name),
  );
  // Each entry was read by the option of its own name, which the compiler cannot follow through a record.
  return read as Resolved<S>;
}

export const unknownOption = (rule: string, name: string, known: readonly string[]): string =>
  `${rule}: unknown option '${name}', known are ${known.join(', ') || 'none'}${didYouMean(name, known)}`;

const live =
  (range: Range) =>
  (fallback: number): Option<Hyper> =>
  (value, rule, option) => {
    if (isHyper(value)) {
      // What is shared must be right for everyone who shares it.
      if (typeof value.value === 'number') checkScalar({ ...value, rule, name: option, range }, value.value);
      return value;
    }
    const scalar = value === undefined ? fallback : value;
    const result = hyper(rule, option, fallback, range);
    checkScalar(result, scalar);
    return { ...result, value: scalar };
  };

/** Live, in a range of one's own. */
export const within = (fallback: number, range: Range): Option<Hyper> => live(range)(fallback);
/** Live, finite and at least 0: a learning rate, a decay. */
export const nonNegative: (fallback: number) => Option<Hyper> = live({
  rule: 'a finite number >= 0',
  holds: (x) => Number.isFinite(x) && x >= 0,
});
/** Live, finite and above 0: an epsilon. */
export const positive: (fallback: number) => Option<Hyper> = live({
  rule: 'a finite number > 0',
  holds: (x) => Number.isFinite(x) && x > 0,
});
/** Live, finite and above `bound`. */
export const above = (bound: number, fallback: number): Option<Hyper> =>
  live({ rule: `a finite number > ${bound}`, holds: (x) => Number.isFinite(x) && x > bound })(fallback);
/** Live, in [0, 1): the weight of an average. */
export const unit: (fallback: number) => Option<Hyper> = live({ rule: 'in [0, 1)', holds: (x) => x >= 0 && x < 1 });
/** Live, in (0, 1). */
export const openUnit: (fallback: number) => Option<Hyper> = live({ rule: 'in (0, 1)', holds: (x) => x > 0 && x < 1 });
/** Live, in [0, 1]. */
export const closedUnit: (fallback: number) => Option<Hyper> = live({ rule: 'in [0, 1]', holds: (x) => x >= 0 && x <= 1 });

/** A live option that host arithmetic has as it is, see `Hyper.exact`. */
export const exact =
  (option: Option<Hyper>): Option<Hyper> =>
  (value, rule, name) =>
    isHyper(value) ? value : { ...option(value, rule, name), exact: true };

/** A whole number of at least `least`; fixed once the optimizer exists. */
export function integer(fallback: number, least = 1): Option<number> {
  return fixed(fallback, { rule: `an integer >= ${least}`, holds: (x) => Number.isInteger(x) && x >= least });
}

/** A number in a range, fixed once the optimizer exists. */
export function fixed(fallback: number, range: Range): Option<number> {
  const read = needed(range);
  return (value, rule, option) => (value === undefined ? fallback : read(value, rule, option));
}

/** The same for one that cannot be left out. */
export const needed =
  (range: Range = anyNumber): Option<number> =>
  (value, rule, option) => {
    if (typeof value !== 'number') throw new OptionTypeError(message(rule, option, range.rule, value));
    if (!range.holds(value)) throw new OptionRangeError(message(rule, option, range.rule, value));
    return value;
  };

export function flag(fallback: boolean): Option<boolean> {
  return (value, rule, option) => {
    if (value === undefined) return fallback;
    if (typeof value !== 'boolean') throw new OptionTypeError(message(rule, option, 'true or false', value));
    return value;
  };
}

export function choice<const C extends string>(fallback: NoInfer<C>, choices: readonly C[]): Option<C> {
  return (value, rule, option) => {
    if (value === undefined) return fallback;
    const chosen = choices.find((one) => one === value);
    if (chosen === undefined) throw new OptionTypeError(message(rule, option, choices.map((one) => `'${one}'`).join(' or '), value));
    return chosen;
  };
}

export const isName = (value: unknown): value is string => typeof value === 'string' && /^[a-z0-9-]+$/.test(value);

export function text(fallback: string): Option<string> {
  return (value, rule, option) => {
    if (value === undefined) return fallback;
    if (!isName(value)) throw new OptionTypeError(message(rule, option, 'a name of a-z, 0-9 and -', value));
    return value;
  };
}

/** `null` (the default) or what `option` reads. */
export function optional<R>(option: Option<R>): Option<R | null> {
  return (value, rule, name) => (value === undefined || value === null ? null : option(value, rule, name));
}

/** `null`, or what `option` reads; left out, `option`'s own default. */
export function nullable<R>(option: Option<R>): Option<R | null> {
  return (value, rule, name) => (value === null ? null : option(value, rule, name));
}

/** A function that cannot be left out; what it gives is checked where it is called. */
export const callable =
  <F extends (...given: never[]) => unknown>(what: string): Option<F> =>
  (value, rule, option) => {
    if (!isFunction<F>(value)) throw new OptionTypeError(message(rule, option, what, value));
    return value;
  };

/** A function's parameters cannot be seen from outside. */
const isFunction = <F>(value: unknown): value is F => typeof value === 'function';

/** A function without options: what is given to it is not ignored. */
export function noOptions(rule: string, given: readonly unknown[]): void {
  if (given.length > 0) throw new OptionTypeError(`${rule}: takes no options, received ${describe(given[0])}`);
}
