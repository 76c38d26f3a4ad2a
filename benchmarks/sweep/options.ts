import { parseArgs } from 'node:util';
import { UsageError } from '../src/bench/options.ts';
import { isTaskName, type TaskName } from '../tasks/task.ts';

/** What the user asked of `pnpm sweep`, checked. */
export interface SweepOptions {
  readonly tasks: readonly TaskName[];
  readonly optimizers: readonly string[];
  /** Undefined: the search of the protocol. */
  readonly rates: readonly number[] | undefined;
  readonly seeds: number | undefined;
  readonly workers: number;
  readonly out: string;
  readonly backend: string;
  readonly quick: boolean;
  /** Runs nothing: reports what earlier sweeps left in the folder. */
  readonly report: boolean;
  /** Address of a Redis server. */
  readonly queue: string | undefined;
}

/** What there is to choose from. */
export interface Choices {
  readonly tasks: readonly TaskName[];
  readonly optimizers: readonly string[];
  readonly backends: readonly string[];
  /** Processes unless the user says otherwise. */
  readonly cores: number;
}

export const defaultBackend = 'wasm';
export const defaultOut = 'sweep-out';
const mostSeeds = 100;
const mostWorkers = 1024;

/** Reads the command line of `pnpm sweep`. @throws UsageError */
export const parseOptions = (args: readonly string[], choices: Choices): SweepOptions | 'help' => {
  const values = read(args, {
    tasks: { type: 'string' },
    optimizers: { type: 'string' },
    rates: { type: 'string' },
    seeds: { type: 'string' },
    workers: { type: 'string' },
    out: { type: 'string' },
    backend: { type: 'string' },
    queue: { type: 'string' },
    universal: { type: 'boolean' },
    quick: { type: 'boolean' },
    report: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  });
  if (values.help) return 'help';
  if (values.queue !== undefined && values.workers !== undefined)
    throw new UsageError('--workers: expected none beside --queue, whose workers are started with pnpm sweep-worker');
  if (values.universal && values.optimizers !== undefined)
    throw new UsageError('--universal: expected none beside --optimizers, it means the optimizer universal');
  return {
    tasks: values.tasks === undefined ? choices.tasks : names('tasks', values.tasks, choices.tasks).filter(isTaskName),
    optimizers: chosen(values.universal ? 'universal' : values.optimizers, choices.optimizers),
    rates: values.rates === undefined ? undefined : rates(values.rates),
    seeds: values.seeds === undefined ? undefined : whole('seeds', values.seeds, 1, mostSeeds),
    workers: values.workers === undefined ? choices.cores : whole('workers', values.workers, 1, mostWorkers),
    out: folder('out', values.out ?? defaultOut),
    backend: oneOf('backend', values.backend ?? defaultBackend, choices.backends),
    quick: values.quick ?? false,
    report: values.report ?? false,
    queue: values.queue === undefined ? undefined : redisUrl('queue', values.queue),
  };
};

const chosen = (value: string | undefined, known: readonly string[]): readonly string[] =>
  value === undefined ? known : names('optimizers', value, known);

type Kinds = Readonly<Record<string, { readonly type: 'string' | 'boolean'; readonly short?: string }>>;

/** Options by name. @throws UsageError for one that is unknown, misses its value, or stands alone. */
export const read = <K extends Kinds>(args: readonly string[], options: K) => {
  try {
    // `pnpm sweep -- --quick` hands the `--` on.
    return parseArgs({ args: withNegatives(args[0] === '--' ? args.slice(1) : args), options }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
  }
};

/** `--rates -1` as `--rates=-1`: parseArgs takes what begins with a dash for an option, and its message says nothing of numbers. */
const withNegatives = (args: readonly string[]): string[] =>
  args.flatMap((arg, index) => {
    const [before = '', after = ''] = [args[index - 1], args[index + 1]];
    const negative = (value: string): boolean => /^-[\d.]/.test(value);
    const named = (option: string): boolean => /^--[a-z]+$/.test(option);
    if (named(arg) && negative(after)) return [`${arg}=${after}`];
    return negative(arg) && named(before) ? [] : [arg];
  });

const names = (option: string, value: string, known: readonly string[]): readonly string[] => {
  const chosen = value.split(',').map((part) => part.trim());
  const unknown = chosen.find((name) => !known.includes(name));
  if (unknown !== undefined) throw refusal(option, `names separated by commas out of ${known.join(', ')}`, unknown);
  const twice = chosen.find((name, index) => chosen.indexOf(name) !== index);
  if (twice !== undefined) throw new UsageError(`--${option}: expected every name once, got ${JSON.stringify(twice)} twice`);
  return chosen;
};

const rates = (value: string): readonly number[] => {
  const parts = value.split(',').map((part) => part.trim());
  for (const part of parts)
    if (part === '' || !(Number(part) > 0) || !Number.isFinite(Number(part)))
      throw refusal('rates', 'positive numbers separated by commas', part);
  return [...new Set(parts.map(Number))].sort((a, b) => a - b);
};

export const whole = (option: string, value: string, least: number, most: number): number => {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= least && number <= most)) throw refusal(option, `a whole number from ${least} to ${most}`, value);
  return number;
};

const oneOf = (option: string, value: string, known: readonly string[]): string => {
  if (!known.includes(value)) throw refusal(option, `one of ${known.join(', ')}`, value);
  return value;
};

const folder = (option: string, value: string): string => {
  if (value === '') throw refusal(option, 'a folder', value);
  return value;
};

/** @throws UsageError where it is not redis://… or rediss://…. */
export const redisUrl = (option: string, value: string): string => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^rediss?:$/.test(url.protocol) || url.hostname === '')
    throw refusal(option, 'an address such as redis://localhost:6379', value);
  return value;
};

const refusal = (option: string, expected: string, value: string): UsageError =>
  new UsageError(`--${option}: expected ${expected}, got ${JSON.stringify(value)}`);
