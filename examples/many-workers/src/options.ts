import { parseArgs } from 'node:util';
import type { TaskName } from '../../../benchmarks/tasks/task.ts';
import { entrants } from '../../race/src/entrants.ts';
import { UsageError } from '../../race/src/options.ts';

export { UsageError };

/** Tasks in batches: what many workers can share. */
export const taskNames = ['mlp-mini-batch', 'convnet', 'rnn', 'autoencoder', 'segmentation'] as const satisfies readonly TaskName[];
export const codecNames = ['table', 'two-bits', 'f16', 'sparse', 'none'] as const;
export type CodecName = (typeof codecNames)[number];

export const outerNames = ['diloco', 'muloco', 'mean'] as const;
export type OuterName = (typeof outerNames)[number];

/** What the user asked for, checked. */
export interface Options {
  readonly workers: number;
  /** dir:…, redis://…; undefined: a folder that is made for the run. */
  readonly mailbox: string | undefined;
  readonly task: (typeof taskNames)[number];
  readonly optimizer: string;
  /** Of each worker; undefined: together those of the task. */
  readonly steps: number | undefined;
  /** The inner learning rate; undefined: the best one of the race. */
  readonly rate: number | undefined;
  /** Whether it goes down a cosine to 0 over the run. */
  readonly decay: boolean;
  /** Inner steps between outer ones. */
  readonly every: number;
  readonly outer: OuterName;
  /** The outer learning rate and momentum; undefined: those of the outer optimizer. */
  readonly outerRate: number | undefined;
  readonly outerMomentum: number | undefined;
  readonly codec: CodecName;
  readonly seed: number;
  /** Milliseconds a turn waits for who is missing. */
  readonly deadline: number;
  readonly run: string | undefined;
  /** Only this worker of them, from 0; the others are started elsewhere. Undefined: all. */
  readonly index: number | undefined;
  /** Where checkpoints stay; undefined: in a folder made for the run. */
  readonly checkpoints: string | undefined;
  readonly out: string;
  /** Whether one worker trains on as many samples, to compare with. */
  readonly alone: boolean;
}

export const help = `pnpm workers [options]

Trains one model on MNIST-1D with several processes: each takes steps of its own, now and then they add up how far they went.

  --workers N       processes (default: 4)
  --mailbox URL     where they meet: dir:/a/folder, redis://…, nats://… (default: a folder made for the run)
  --task NAME       ${taskNames.join(', ')} (default: ${taskNames[0]})
  --optimizer NAME  the inner one: ${entrants.map(({ name }) => name).join(', ')} (default: adamw)
  --steps N         of each worker, brought up to a multiple of --every (default: together those of the task)
  --rate X          the inner learning rate (default: the best one of the race)
  --decay           lets it go down a cosine to 0 over the run
  --every N         inner steps between outer ones (default: 25)
  --outer NAME      the outer optimizer: diloco (momentum 0.9), muloco (0.6), mean (none) (default: diloco)
  --outer-rate X    its learning rate (default: 0.7, of mean 1)
  --outer-momentum X  its momentum (default: 0.9, of muloco 0.6)
  --codec NAME      table (4 bits), two-bits, f16, sparse (3 % of the values), none (default: table)
  --seed N          of the weights and of everybody's batches (default: 0)
  --deadline MS     how long a turn waits for who is missing (default: 20000)
  --run NAME        of this training, for a mailbox that others use too (default: a random one)
  --index I         starts only worker I of them, from 0, for a --run at a --mailbox that the others know too
  --checkpoints DIR where checkpoints stay, for a process that is started again (default: a folder made for the run)
  --out FILE        the page with the curves (default: workers.html)
  --no-yardstick    leaves out the one worker that trains on as many samples
  --help            this text

WORKERS_SECRET: what contributions are sealed with (default: the name of the run).
`;

const quote = (value: string): string => JSON.stringify(value);

/** Reads the command line. @throws UsageError */
export const parseOptions = (args: readonly string[]): Options | 'help' => {
  const values = read(args[0] === '--' ? args.slice(1) : args);
  const whole = (name: string, value: string | undefined, fallback: number, least: number, most: number): number => {
    if (value === undefined) return fallback;
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= least && number <= most))
      throw new UsageError(`--${name}: expected a whole number from ${least} to ${most}, got ${quote(value)}`);
    return number;
  };
  const one = <T extends string>(name: string, value: string | undefined, fallback: NoInfer<T>, known: readonly T[]): T => {
    const found = known.find((each) => each === (value ?? fallback));
    if (found === undefined) throw new UsageError(`--${name}: expected one of ${known.join(', ')}, got ${quote(value ?? '')}`);
    return found;
  };
  const number = (name: string, value: string | undefined, rule: string, holds: (x: number) => boolean): number | undefined => {
    if (value === undefined) return undefined;
    const x = value.trim() === '' ? Number.NaN : Number(value);
    if (!(Number.isFinite(x) && holds(x))) throw new UsageError(`--${name}: expected a number ${rule}, got ${quote(value)}`);
    return x;
  };
  if (values.help === true) return 'help';
  const outer = one('outer', values.outer, 'diloco', outerNames);
  const momentum = values['outer-momentum'];
  if (outer === 'mean' && momentum !== undefined) throw new UsageError('--outer-momentum: the outer optimizer mean has none');
  const { mailbox, run } = values;
  if (mailbox !== undefined && !/^(dir:.|rediss?:\/\/.|nats:\/\/.)/.test(mailbox))
    throw new UsageError(`--mailbox: expected dir:/a/folder, redis://… or nats://…, got ${quote(mailbox)}`);
  if (run !== undefined && !/^[A-Za-z0-9._-]{1,64}$/.test(run))
    throw new UsageError(`--run: expected up to 64 letters, digits, ., _ and -, got ${quote(run)}`);
  const workers = whole('workers', values.workers, 4, 1, 64);
  const index = values.index === undefined ? undefined : whole('index', values.index, 0, 0, workers - 1);
  if (index !== undefined && (run === undefined || mailbox === undefined))
    throw new UsageError('--index: the workers of several machines need the same --run and --mailbox');
  return {
    workers,
    mailbox,
    task: one('task', values.task, taskNames[0], taskNames),
    optimizer: one(
      'optimizer',
      values.optimizer,
      'adamw',
      entrants.map(({ name }) => name),
    ),
    steps: values.steps === undefined ? undefined : whole('steps', values.steps, 0, 1, 100_000),
    rate: number('rate', values.rate, 'above 0', (x) => x > 0),
    decay: values.decay === true,
    every: whole('every', values.every, 25, 1, 10_000),
    outer,
    outerRate: number('outer-rate', values['outer-rate'], 'from 0', (x) => x >= 0),
    outerMomentum: number('outer-momentum', momentum, 'from 0 to below 1', (x) => x >= 0 && x < 1),
    codec: one('codec', values.codec, 'table', codecNames),
    seed: whole('seed', values.seed, 0, 0, 2 ** 20),
    deadline: whole('deadline', values.deadline, 20_000, 0, 3_600_000),
    run,
    index,
    checkpoints: values.checkpoints,
    out: values.out ?? 'workers.html',
    alone: values['no-yardstick'] !== true,
  };
};

const read = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        workers: { type: 'string' },
        mailbox: { type: 'string' },
        task: { type: 'string' },
        optimizer: { type: 'string' },
        steps: { type: 'string' },
        rate: { type: 'string' },
        decay: { type: 'boolean' },
        every: { type: 'string' },
        outer: { type: 'string' },
        'outer-rate': { type: 'string' },
        'outer-momentum': { type: 'string' },
        codec: { type: 'string' },
        seed: { type: 'string' },
        deadline: { type: 'string' },
        run: { type: 'string' },
        index: { type: 'string' },
        checkpoints: { type: 'string' },
        out: { type: 'string' },
        'no-yardstick': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
  }
};
