import { resolve } from '@opt/core';
import type { Redis } from 'ioredis';
import { MailboxError } from './errors.ts';
import { keepOption, placeOption } from './keep.ts';
import type { Committed, Mailbox, Posting } from './mailbox.ts';

export interface RedisOptions {
  /** What its keys begin with: one mailbox for one run. Up to 64 letters, digits, _ and -. */
  readonly name: string;
  /** How many turns stay there, for who comes back: integer ≥ 2, or Infinity; default 1000. */
  readonly keep?: number;
}

type Entry = readonly [id: Buffer, fields: readonly Buffer[]];

/**
 * A mailbox at a Redis server ≥ 5, over a connection of ioredis that stays the caller's: `<name>:turn:<turn>` is a stream of what was posted,
 * `<name>:commits` one of who counted, whose entries have the turn for their identifier. Redis takes identifiers in ascending order only,
 * which is the compare-and-set. A server that is to lose nothing when it is restarted needs `appendonly yes`, and `appendfsync always` where
 * its machine may go down. Of an entry Redis gives all or nothing: who may write there can post up to `proto-max-bulk-len` (512 MB unless told
 * otherwise) that every worker then reads, to refuse it; set it to what a contribution takes.
 *
 * @throws OptionTypeError · OptionRangeError, naming the option · MailboxError for what the server does not do
 */
export function redisMailbox(redis: Redis, options: RedisOptions): Mailbox {
  const { name, keep } = resolve('redisMailbox', options, { name: placeOption, keep: keepOption });
  const commits = `${name}:commits`;
  const turnKey = (turn: number): string => `${name}:turn:${turn}`;
  // Zero is no identifier.
  const idOf = (turn: number): string => `${turn + 1}-0`;
  /** Waiting holds a connection up: it has one of its own. */
  let waiting: Redis | undefined;

  async function record(turn: number): Promise<Committed | undefined> {
    const [entry] = await redis.xrangeBuffer(commits, idOf(turn), idOf(turn));
    return entry && { turn, bytes: bytesOf(entry) };
  }

  async function fresh(turn: number, after: string, wait: number): Promise<readonly Entry[]> {
    const there = await redis.xrangeBuffer(turnKey(turn), next(after), '+');
    if (there.length > 0 || wait < 1) return there;
    waiting ??= quietly(redis.duplicate());
    // Zero would be for ever.
    const [stream] = (await waiting.xreadBuffer('BLOCK', Math.ceil(wait), 'STREAMS', turnKey(turn), after)) ?? [];
    return stream?.[1] ?? [];
  }

  return {
    post: (turn, bytes) =>
      saying(async () => {
        await redis.xadd(turnKey(turn), '*', 'bytes', Buffer.from(bytes));
      }),
    collect: (turn, { seen, wait }) =>
      saying(async () => {
        const after = [...seen].filter(isIdentifier).reduce((a, b) => (later(b, a) ? b : a), '0-0');
        const entries = await fresh(turn, after, wait);
        return entries.map((entry): Posting => ({ id: entry[0].toString(), bytes: bytesOf(entry) }));
      }),
    commit: (turn, bytes) =>
      saying(async () => {
        try {
          await redis.xadd(commits, idOf(turn), 'bytes', Buffer.from(bytes));
        } catch (error) {
          const there = await record(turn);
          if (there !== undefined) return there.bytes;
          throw error;
        }
        if (turn >= keep) {
          await redis.del(turnKey(turn - keep));
          await redis.xtrim(commits, 'MAXLEN', keep);
        }
        return bytes;
      }),
    committed: (turn) =>
      saying(async () => {
        if (turn !== undefined) return record(turn);
        const [entry] = await redis.xrevrangeBuffer(commits, '+', '-', 'COUNT', 1);
        return entry && { turn: Number(entry[0].toString().split('-')[0]) - 1, bytes: bytesOf(entry) };
      }),
    async close() {
      waiting?.disconnect();
    },
  };
}

/** What the connection of the caller tells of a server that is away need not be told twice; what a call lacks, its error says. */
function quietly(redis: Redis): Redis {
  redis.on('error', () => {});
  return redis;
}

const bytesOf = ([, [, bytes]]: Entry): Uint8Array => new Uint8Array(bytes ?? []);

const isIdentifier = (id: string): boolean => /^\d+-\d+$/.test(id);
const partsOf = (id: string): readonly [number, number] => {
  const [time = 0, sequence = 0] = id.split('-').map(Number);
  return [time, sequence];
};
const later = (a: string, b: string): boolean => {
  const [[ta, sa], [tb, sb]] = [partsOf(a), partsOf(b)];
  return ta > tb || (ta === tb && sa > sb);
};
/** The identifier after this one: Redis 5 has no open ranges. */
const next = (id: string): string => {
  const [time, sequence] = partsOf(id);
  return `${time}-${sequence + 1}`;
};

async function saying<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    throw new MailboxError(`redisMailbox: the server refused (${cause instanceof Error ? cause.message : String(cause)})`, { cause });
  }
}
