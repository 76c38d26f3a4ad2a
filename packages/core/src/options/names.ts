import { OptionTypeError, TransformError } from '../errors.ts';
import type { Shape } from '../program/shape.ts';
import { message } from './hyper.ts';
import type { Option } from './options.ts';

/** Some of the parameters: by name, or by a function of name and shape. */
export type Names = readonly string[] | ((name: string, shape: Shape) => boolean);

/** `Names` after reading. */
export interface Selection {
  readonly includes: (name: string, shape: Shape) => boolean;
  /** The names that were listed, each of which must be a parameter. */
  readonly listed: readonly string[];
}

const areNames = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every((name) => typeof name === 'string');
const isFunction = (value: unknown): value is (name: string, shape: Shape) => boolean => typeof value === 'function';

/** Parameters that an option is about; left out, none. */
export const names: Option<Selection> = (value, rule, option) => {
  if (isFunction(value)) return { includes: value, listed: [] };
  const listed = value === undefined ? [] : value;
  if (!areNames(listed))
    throw new OptionTypeError(
      message(rule, option, 'a list of parameter names, or a function of name and shape that says true or false', value),
    );
  return { includes: (name) => listed.includes(name), listed };
};

/** Throws where a listed name is that of no parameter: it would be without effect, unsaid. */
export function checkNames(rule: string, option: string, { listed }: Selection, parameters: Readonly<Record<string, Shape>>): void {
  const known = Object.keys(parameters);
  const unknown = listed.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new TransformError(`${rule}: ${option} names '${unknown}', which is no parameter here, known are ${known.join(', ')}`);
}
