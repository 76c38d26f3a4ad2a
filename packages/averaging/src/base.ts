import { message, OptionTypeError, type Rule } from '@opt/core';

/** The optimizer a wrapper is put around, and the wrapper's own options. */
export function baseOf<O extends { readonly base: Rule; readonly name?: string }>(
  called: string,
  options: O,
): { readonly base: Rule; readonly rest: Omit<O, 'base'> } {
  if (typeof options !== 'object' || options === null) throw new OptionTypeError(message(called, 'options', 'an object', options));
  const { base, ...rest } = options;
  if (typeof base?.mapMove !== 'function')
    throw new OptionTypeError(message(rest.name ?? called, 'base', 'an optimizer such as adamw()', base));
  return { base, rest };
}

/** One question for all parameters that have always stepped together. */
export const anyYet = (count: number): 'some' | 'none' => (count > 0 ? 'some' : 'none');
