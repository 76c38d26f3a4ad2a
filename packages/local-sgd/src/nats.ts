import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { fixed, resolve } from '@opt/core';
import { MailboxError } from './errors.ts';
import { keepOption, placeOption } from './keep.ts';
import type { Committed, Mailbox, Posting } from './mailbox.ts';

export interface NatsOptions {
  /** The name of its stream, and what its subjects begin with: one mailbox for one run. Up to 64 letters, digits, _ and -. */
  readonly name: string;
  /** How many turns stay there, for who comes back: integer ≥ 2, or Infinity; default 1000. */
  readonly keep?: number;
  /** Milliseconds that the server may be away, default 60000. */
  readonly patience?: number;
}

/** Milliseconds between looks at whether something came. */
const lookEvery = 10;
/** After this many milliseconds without an answer a request is made again. */
const answerWithin = 1000;

/**
 * A mailbox at a NATS server ≥ 2.9 with JetStream, over a connection that stays the caller's, from Node (`@nats-io/transport-node`) or a
 * browser (`wsconnect` of `@nats-io/nats-core`): subjects `<name>.post.<turn>` and `<name>.commit.<turn>` of one stream, which is made as
 * needed. A record is published on the condition that its subject is empty. Contributions larger than the server's `max_payload` (1 MB
 * unless told otherwise) are refused by it, whoever posts them. What it answered for outlives its process; that it outlives the machine needs
 * `sync_interval: always` (two minutes unless told otherwise), or replicas.
 *
 * @throws OptionTypeError · OptionRangeError, naming the option · MailboxError for what the server does not do
 */
export async function natsMailbox(connection: NatsConnection, options: NatsOptions): Promise<Mailbox> {
  const { name, keep, patience } = resolve('natsMailbox', options, {
    name: placeOption,
    keep: keepOption,
    patience: fixed(60_000, { rule: 'a finite number >= 0', holds: (x) => Number.isFinite(x) && x >= 0 }),
  });
  const saying = <T>(call: () => Promise<T>): Promise<T> => patiently(patience, call);
  const [manager, client] = await saying(async (): Promise<[JetStreamManager, JetStreamClient]> => {
    const made = await jetstreamManager(connection, { timeout: answerWithin });
    await made.streams.add({ name, subjects: [`${name}.post.*`, `${name}.commit.*`], allow_direct: true });
    return [made, jetstream(connection, { timeout: answerWithin })];
  });
  const postSubject = (turn: number): string => `${name}.post.${turn}`;
  const commitSubject = (turn: number): string => `${name}.commit.${turn}`;

  /** The first posting of a turn after this sequence number. */
  async function following(turn: number, after: number): Promise<{ readonly seq: number; readonly data: Uint8Array } | undefined> {
    return (await absent(() => manager.direct.getMessage(name, { seq: after + 1, next_by_subj: postSubject(turn) }))) ?? undefined;
  }

  async function last(subject: string): Promise<Committed | undefined> {
    const message = await absent(() => manager.streams.getMessage(name, { last_by_subj: subject }));
    return message ? { turn: Number(message.subject.split('.').at(-1)), bytes: new Uint8Array(message.data) } : undefined;
  }

  return {
    post(turn, bytes) {
      // Published again where an answer got lost, it is one posting all the same.
      const msgID = crypto.randomUUID();
      return saying(async () => {
        await client.publish(postSubject(turn), bytes, { msgID });
      });
    },
    collect: (turn, { seen, wait }) =>
      saying(async () => {
        let after = [...seen].reduce((most, id) => Math.max(most, Number(id) || 0), 0);
        const found: Posting[] = [];
        for (const end = performance.now() + wait; ; await new Promise((done) => setTimeout(done, lookEvery))) {
          for (let one = await following(turn, after); one !== undefined; one = await following(turn, after)) {
            found.push({ id: String(one.seq), bytes: new Uint8Array(one.data) });
            after = one.seq;
          }
          if (found.length > 0 || performance.now() >= end) return found;
        }
      }),
    commit: (turn, bytes) =>
      saying(async () => {
        try {
          await client.publish(commitSubject(turn), bytes, { expect: { lastSubjectSequence: 0 } });
        } catch (error) {
          const there = await last(commitSubject(turn));
          if (there !== undefined) return there.bytes;
          throw error;
        }
        if (turn >= keep) {
          for (const subject of [postSubject(turn - keep), commitSubject(turn - keep)])
            await manager.streams.purge(name, { filter: subject });
        }
        return bytes;
      }),
    committed: (turn) => saying(() => last(turn === undefined ? `${name}.commit.*` : commitSubject(turn))),
    async close() {},
  };
}

/** What a call gives; null where the server says that there is nothing. */
async function absent<T>(call: () => Promise<T | null>): Promise<T | null> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Error && /no message found|message not found/i.test(error.message)) return null;
    throw error;
  }
}

/** Makes a request again while the server is away. What it answered, it answered. */
async function patiently<T>(patience: number, call: () => Promise<T>): Promise<T> {
  const end = performance.now() + patience;
  for (;;) {
    try {
      return await call();
    } catch (cause) {
      if (cause instanceof MailboxError) throw cause;
      const away =
        cause instanceof Error && ['TimeoutError', 'NoRespondersError', 'RequestError', 'JetStreamNotEnabled'].includes(cause.name);
      if (!away || performance.now() > end)
        throw new MailboxError(`natsMailbox: the server refused (${cause instanceof Error ? cause.message : String(cause)})`, { cause });
      await new Promise((done) => setTimeout(done, 10 * lookEvery));
    }
  }
}
