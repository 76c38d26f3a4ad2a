import { OptionRangeError, OptionTypeError } from '../errors.ts';
import type { Precision } from '../program/precision.ts';
import { describe } from '../validation/describe.ts';

/** A value as a function of the number of steps applied before this one. */
export type Schedule = (step: number) => number;

/** A live hyperparameter: a number, or a schedule. It reaches programs as an input, never as a constant. */
export type Scalar = number | Schedule;

/** What a number must satisfy, and how to say so. */
export interface Range {
  readonly rule: string;
  readonly holds: (value: number) => boolean;
}

export const anyNumber: Range = { rule: 'a finite number', holds: Number.isFinite };

/** A hyperparameter of a rule. Stages that share one (the learning rate in decay and descent) hold the same object. */
export interface Hyper {
  readonly name: string;
  /** Whose it is, for messages. */
  readonly rule: string;
  readonly value: Scalar;
  readonly range: Range;
  /** Host arithmetic has it as it is, not rounded to working precision: for a β of which programs see the complement only. */
  readonly exact?: boolean;
}

/** What an option for a hyperparameter takes: a value, or the hyperparameter of another stage to be shared. */
export type Setting = Scalar | Hyper;

export const isHyper = (value: unknown): value is Hyper =>
  typeof value === 'object' && value !== null && 'range' in value && 'value' in value;

/** `hyper('soap', 'beta1', 0.95, range)`; a schedule's values are checked when they are used. */
export function hyper(rule: string, name: string, value: Scalar, range: Range = anyNumber): Hyper {
  const result: Hyper = { rule, name, value, range };
  checkScalar(result, value);
  return result;
}

/** Throws unless `value` is a number in the hyperparameter's range, also in working precision where that is known, or a schedule. */
export function checkScalar(of: Hyper, value: unknown, precision?: Precision): asserts value is Scalar {
  if (typeof value === 'function') return;
  if (typeof value !== 'number')
    throw new OptionTypeError(message(of.rule, of.name, `${of.range.rule}, or a function returning one`, value));
  checkValue(of, value, precision);
}

/** A number that is in range and, as working precision holds it, no longer is, would be 0 or infinite where the rule divides by it. */
export function checkValue(of: Hyper, value: number, precision?: Precision): void {
  if (!of.range.holds(value)) throw new OptionRangeError(message(of.rule, of.name, of.range.rule, value));
  if (precision === undefined || of.range.holds(held(value, precision))) return;
  const { name, smallest, largest } = precision;
  const holds = `${smallest.toPrecision(3)} to ${largest.toPrecision(3)}`;
  throw new OptionRangeError(message(of.rule, of.name, `${of.range.rule} in ${name}, which holds ${holds}`, value));
}

/** A number as working precision has it, but for rounding: too large is infinite, too small is 0. */
function held(value: number, { smallest, largest }: Precision): number {
  if (Math.abs(value) > largest) return Math.sign(value) * Infinity;
  return Math.abs(value) < smallest ? 0 : value;
}

/** The wording of every complaint about an option. */
export const message = (rule: string, option: string, expected: string, received: unknown): string =>
  `${rule}: ${option} must be ${expected}, received ${describe(received)}`;
