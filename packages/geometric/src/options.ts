import { fixed, message, type Option, OptionRangeError, OptionTypeError } from '@opt/core';

/** A number > 0, fixed once the optimizer exists. */
export const positiveNumber = (fallback: number): Option<number> =>
  fixed(fallback, { rule: 'a finite number > 0', holds: (x) => Number.isFinite(x) && x > 0 });

/** A number ≥ 0, fixed once the optimizer exists. */
export const nonNegativeNumber = (fallback: number): Option<number> =>
  fixed(fallback, { rule: 'a finite number >= 0', holds: (x) => Number.isFinite(x) && x >= 0 });

/** An integer in [least, most]. */
export const integerIn = (fallback: number, least: number, most: number): Option<number> =>
  fixed(fallback, { rule: `an integer in [${least}, ${most}]`, holds: (x) => Number.isInteger(x) && x >= least && x <= most });

/** Whatever `valid` recognises; left out, `fallback`. */
export function checked<T, F>(fallback: F, expected: string, valid: (value: unknown) => value is T): Option<T | F> {
  return (value, rule, option) => {
    if (value === undefined || value === null) return fallback;
    if (!valid(value)) throw new OptionTypeError(message(rule, option, expected, value));
    return value;
  };
}

/** Throws unless `holds`: for what two options only together can break. */
export function demand(holds: boolean, rule: string, option: string, expected: string, received: unknown): void {
  if (!holds) throw new OptionRangeError(message(rule, option, expected, received));
}
