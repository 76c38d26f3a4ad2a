import { fixed, message, type Option, OptionTypeError } from '@opt/core';

/** How many turns a mailbox holds, for who comes back. */
export const keepOption: Option<number> = fixed(1000, {
  rule: 'an integer >= 2, or Infinity',
  holds: (x) => x === Infinity || (Number.isInteger(x) && x >= 2),
});

/** The name of a run, where a server holds many: part of a key, or of a subject. */
export const placeOption: Option<string> = (value, rule, option) => {
  if (typeof value !== 'string' || !/^[A-Za-z0-9_-]{1,64}$/.test(value))
    throw new OptionTypeError(message(rule, option, 'up to 64 letters, digits, _ and -', value));
  return value;
};
