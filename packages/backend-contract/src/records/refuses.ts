/** A value an option must refuse, and how. */
export interface BadValue {
  readonly value: unknown;
  /** RangeError or TypeError. */
  readonly error: 'range' | 'type';
  /** What the option must be, in the words of the message. */
  readonly rule: string;
}

const refuse = (rule: string, error: 'range' | 'type', values: readonly unknown[]): BadValue[] =>
  values.map((value) => ({ value, error, rule }));

/** A live hyperparameter: a number in a range, or a function. */
export const live = (rule: string, outside: readonly number[]): BadValue[] => [
  ...refuse(rule, 'range', [...outside, Number.NaN]),
  ...refuse(`${rule}, or a function returning one`, 'type', ['0.5', true, null, [], {}]),
];

export const nonNegative: readonly BadValue[] = live('a finite number >= 0', [-1, -1e-300, Infinity]);
export const positive: readonly BadValue[] = live('a finite number > 0', [0, -1, Infinity]);
export const aboveOne: readonly BadValue[] = live('a finite number > 1', [1, 0.5, Infinity]);
export const atLeastOne: readonly BadValue[] = live('a finite number >= 1', [0.5, -1, Infinity]);
export const openUnit: readonly BadValue[] = live('in (0, 1)', [0, 1, -0.1, Infinity]);
export const unit: readonly BadValue[] = live('in [0, 1)', [1, -0.1, 2, Infinity]);
export const closedUnit: readonly BadValue[] = live('in [0, 1]', [-0.1, 1.5, Infinity]);

export const integer = (least: number): readonly BadValue[] => {
  const rule = `an integer >= ${least}`;
  return [...refuse(rule, 'range', [least - 1, -5, least + 0.5, Number.NaN, Infinity]), ...refuse(rule, 'type', ['3', true, null, [3]])];
};

export const number = (rule: string, outside: readonly number[]): readonly BadValue[] => [
  ...refuse(rule, 'range', [...outside, Number.NaN]),
  ...refuse(rule, 'type', ['2', true, null]),
];

/** A number that is fixed at construction. */
export const amount: readonly BadValue[] = number('a finite number >= 0', [-1, Infinity]);

export const wrong = (rule: string, ...values: readonly unknown[]): readonly BadValue[] => refuse(rule, 'type', values);

export const flag: readonly BadValue[] = refuse('true or false', 'type', [1, 0, 'true', null, {}]);

export const choice = (...choices: readonly string[]): readonly BadValue[] =>
  refuse(choices.map((one) => `'${one}'`).join(' or '), 'type', ['other', '', 1, true, null]);

export const text: readonly BadValue[] = refuse('a name of a-z, 0-9 and -', 'type', [
  '',
  'Upper',
  'with space',
  'a/b',
  'a.b',
  'a:b',
  3,
  null,
]);

export const names: readonly BadValue[] = refuse(
  'a list of parameter names, or a function of name and shape that says true or false',
  'type',
  [3, 'w', null, {}, [3]],
);

/** An option that may be null. */
export const orNull = (values: readonly BadValue[]): readonly BadValue[] => values.filter(({ value }) => value !== null);

export const decayOnly: readonly BadValue[] = orNull(choice('matrices'));

/** The options every optimizer has. */
export const general: Readonly<Record<string, readonly BadValue[]>> = {
  clipnorm: orNull(positive),
  clipvalue: orNull(positive),
  globalClipnorm: orNull(positive),
  useEma: flag,
  emaMomentum: closedUnit,
  emaOverwriteFrequency: orNull(integer(1)),
  lossScaleFactor: orNull(positive),
  gradientAccumulationSteps: orNull(integer(2)),
  nonFinite: choice('skip', 'throw'),
  name: text,
};
