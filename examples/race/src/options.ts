import { parseArgs } from 'node:util';

/** What the user asked for, checked. */
export interface RaceOptions {
  readonly optimizers: readonly string[];
  readonly steps: number;
  readonly batch: number;
  readonly seed: number;
  readonly backend: string;
  readonly sweep: boolean;
}

/** What there is to choose from. `sampleCount`: size of the training set, the largest batch. */
export interface Choices {
  readonly optimizers: readonly string[];
  /** With the steps of a race where the user names none. */
  readonly backends: readonly { readonly name: string; readonly steps: number }[];
  readonly sampleCount: number;
  readonly defaults: Omit<RaceOptions, 'steps'>;
}

/** Bad input: the message is one line that names the option, what was expected and what came. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const valueOptions = ['optimizers', 'steps', 'batch', 'seed', 'backend'] as const;
const largestSteps = 100_000;
const largestSeed = 2 ** 30 - 1;

/** The options of a command line, or `'help'`. Throws `UsageError` for anything it does not understand. */
export const parseOptions = (args: readonly string[], choices: Choices): RaceOptions | 'help' => {
  // `pnpm race -- --steps 5` hands the `--` on.
  const { tokens } = parseArgs({
    args: args[0] === '--' ? args.slice(1) : [...args],
    options: {
      ...Object.fromEntries(valueOptions.map((name) => [name, { type: 'string' as const }])),
      sweep: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
    strict: false,
    tokens: true,
  });
  let options: Omit<RaceOptions, 'steps'> & { readonly steps?: number } = choices.defaults;
  let help = false;
  for (const token of tokens) {
    if (token.kind !== 'option') {
      throw new UsageError(
        token.kind === 'positional' ? `expected only options, got ${quote(token.value)}; see --help` : 'nothing may follow --; see --help',
      );
    }
    const { name, rawName, value } = token;
    if (name === 'help' || name === 'sweep') {
      if (value !== undefined) throw new UsageError(`--${name}: takes no value, got ${quote(value)}`);
      if (name === 'help') help = true;
      else options = { ...options, sweep: true };
    } else if (isValueOption(name)) {
      if (value === undefined) throw new UsageError(`--${name}: expected ${expected(name, choices)}, got nothing`);
      options = { ...options, ...checked(name, value, choices) };
    } else {
      throw new UsageError(
        `${rawName}: unknown option; expected one of ${[...valueOptions, 'sweep', 'help'].map((known) => `--${known}`).join(', ')}`,
      );
    }
  }
  if (help) return 'help';
  const { steps = 1 } = choices.backends.find(({ name }) => name === options.backend) ?? {};
  return { steps, ...options };
};

type ValueOption = (typeof valueOptions)[number];

const isValueOption = (name: string): name is ValueOption => valueOptions.some((known) => known === name);

const expected = (name: ValueOption, { optimizers, backends, sampleCount }: Choices): string => {
  switch (name) {
    case 'optimizers':
      return `names separated by commas out of ${optimizers.join(', ')}`;
    case 'backend':
      return `one of ${backends.map(({ name }) => name).join(', ')}`;
    case 'steps':
      return `a whole number from 1 to ${largestSteps}`;
    case 'batch':
      return `a whole number from 1 to ${sampleCount}`;
    case 'seed':
      return `a whole number from 0 to ${largestSeed}`;
  }
};

const checked = (name: ValueOption, value: string, choices: Choices): Partial<RaceOptions> => {
  const refuse = (): never => {
    throw new UsageError(`--${name}: expected ${expected(name, choices)}, got ${quote(value)}`);
  };
  const whole = (least: number, most: number): number => {
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    return number >= least && number <= most ? number : refuse();
  };
  switch (name) {
    case 'optimizers': {
      const names = value.split(',').map((part) => part.trim());
      const twice = names.find((part, index) => names.indexOf(part) !== index);
      if (names.some((part) => !choices.optimizers.includes(part))) refuse();
      if (twice !== undefined) throw new UsageError(`--optimizers: expected every name once, got ${quote(twice)} twice`);
      return { optimizers: names };
    }
    case 'backend':
      return { backend: choices.backends.some(({ name }) => name === value) ? value : refuse() };
    case 'steps':
      return { steps: whole(1, largestSteps) };
    case 'batch':
      return { batch: whole(1, choices.sampleCount) };
    case 'seed':
      return { seed: whole(0, largestSeed) };
  }
};

/** Quoted, and on one line whatever was typed. */
const quote = (value: string): string => JSON.stringify(value);
