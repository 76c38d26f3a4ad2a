import { choice, fixed, flag, integer, isPlain, message, needed, type Option, OptionTypeError, optional, resolve } from '@opt/core';
import type { AverageOptions } from './average.ts';
import type { Codec } from './codecs/codec.ts';
import { none } from './codecs/plain.ts';
import { isWorkerName } from './contribution.ts';
import type { ExchangeOptions } from './exchange.ts';
import type { Mailbox } from './mailbox.ts';
import type { Refusal } from './tally.ts';

/** Where and with whom a worker adds up what was learned. */
export interface MeetingOptions extends AverageOptions {
  readonly mailbox: Mailbox;
  /** The name of this training; what is of another is refused. */
  readonly run: string;
  /** Known to all workers of the run and to nobody else; default: the name of the run, which is a checksum and no protection. */
  readonly secret?: string | null;
  /** The name of this worker, its own among all: up to 64 letters, digits, ., _ and -. */
  readonly worker: string;
  /** How many are waited for in the first turn, default 1; later it is those who counted, or came late, last time. */
  readonly workers?: number;
  /** Milliseconds after which a turn goes on with who is there, default 60000. */
  readonly deadline?: number;
  /** With fewer contributions than this at the deadline a turn fails and the fragment is tried again, default 1. */
  readonly least?: number;
  /** Whether contributions weigh as much as what they have learned from (default), or equally. Who learned from nothing weighs nothing. */
  readonly weighting?: 'tokens' | 'equal';
  /** Told of every contribution that is refused. */
  readonly onRefused?: ((refusal: Refusal) => void) | null;
}

export interface Meeting {
  readonly exchange: ExchangeOptions;
  readonly average: AverageOptions;
  readonly weighting: 'tokens' | 'equal';
}

const words: Option<string> = (value, rule, option) => {
  if (typeof value !== 'string' || value === '') throw new OptionTypeError(message(rule, option, 'a text that is not empty', value));
  return value;
};

const workerName: Option<string> = (value, rule, option) => {
  if (!isWorkerName(value)) throw new OptionTypeError(message(rule, option, 'up to 64 letters, digits, ., _ and -', value));
  return value;
};

const verbs = ['post', 'collect', 'commit', 'committed', 'close'] as const;
const hasMethods = (value: unknown, methods: readonly string[]): boolean =>
  typeof value === 'object' && value !== null && methods.every((name) => typeof Reflect.get(value, name) === 'function');
const isMailbox = (value: unknown): value is Mailbox => hasMethods(value, verbs);
const isCodec = (value: unknown): value is Codec => hasMethods(value, ['bytes', 'encode', 'decode', 'restore']);
const isListener = (value: unknown): value is (refusal: Refusal) => void => typeof value === 'function';

const mailboxOption: Option<Mailbox> = (value, rule, option) => {
  if (!isMailbox(value)) throw new OptionTypeError(message(rule, option, 'a mailbox such as directoryMailbox(…)', value));
  return value;
};

export const codecOption: Option<Codec> = (value, rule, option) => {
  if (value === undefined) return none();
  if (!isCodec(value)) throw new OptionTypeError(message(rule, option, 'a codec such as table()', value));
  return value;
};

const listenerOption: Option<(refusal: Refusal) => void> = (value, rule, option) => {
  if (value === undefined || value === null) return () => {};
  if (!isListener(value)) throw new OptionTypeError(message(rule, option, 'a function', value));
  return value;
};

const meetingTable = {
  mailbox: mailboxOption,
  run: words,
  secret: optional(words),
  worker: workerName,
  workers: integer(1),
  deadline: fixed(60_000, { rule: 'a finite number >= 0', holds: (x: number) => Number.isFinite(x) && x >= 0 }),
  least: integer(1),
  weighting: choice('tokens', ['tokens', 'equal']),
  onRefused: listenerOption,
  aggregate: choice('senders', ['senders', 'all']),
  sign: flag(false),
  clip: optional(needed({ rule: 'a finite number > 0', holds: (x: number) => Number.isFinite(x) && x > 0 })),
} as const;

/** Options of one rule in two parts: those of a meeting, and the rest. */
export function apart<K extends string>(
  rule: string,
  given: object,
  others: readonly K[],
): { meeting: Meeting; rest: Partial<Record<K, unknown>> } {
  if (!isPlain(given)) throw new OptionTypeError(message(rule, 'options', 'an object', given));
  const known = new Set<string>(others);
  const entries = Object.entries(given);
  const rest: Partial<Record<K, unknown>> = {};
  for (const name of others) if (Object.hasOwn(given, name)) rest[name] = given[name];
  const o = resolve(rule, Object.fromEntries(entries.filter(([name]) => !known.has(name))), meetingTable);
  const { mailbox, run, worker, workers, deadline, least, onRefused, aggregate, sign, clip } = o;
  return {
    meeting: {
      exchange: { mailbox, run, secret: o.secret ?? run, worker, workers, deadline, least, onRefused },
      average: { aggregate, sign, clip },
      weighting: o.weighting,
    },
    rest,
  };
}
