import { OptionTypeError } from '../errors.ts';
import { message } from '../options/hyper.ts';
import type { Option } from '../options/options.ts';
import { advice } from '../validation/describe.ts';
import type { Rule, Transform } from './transform.ts';

/** A stage to be used inside; left out, null. */
export const stage: Option<Transform | null> = (value, rule, option) =>
  value === undefined || value === null ? null : requiredStage(value, rule, option);

/** A stage that cannot be left out. */
export const requiredStage: Option<Transform> = (value, rule, option) => {
  if (!isTransform(value)) throw new OptionTypeError(`${message(rule, option, 'a transform such as adam()', value)}${advice(value)}`);
  return value;
};

const isTransform = (value: unknown): value is Transform =>
  typeof value === 'object' &&
  value !== null &&
  'apply' in value &&
  typeof value.apply === 'function' &&
  'declare' in value &&
  typeof value.declare === 'function';

/** A rule that cannot be left out: a stage whose direction can be replaced. */
export const requiredRule: Option<Rule> = (value, rule, option) => {
  if (isRule(value)) return value;
  throw new OptionTypeError(`${message(rule, option, 'an optimizer such as soap()', value)}${advice(value)}`);
};

const isRule = (value: unknown): value is Rule => isTransform(value) && 'mapDirection' in value && typeof value.mapDirection === 'function';
