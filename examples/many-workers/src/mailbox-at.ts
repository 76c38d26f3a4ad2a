import { connect } from '@nats-io/transport-node';
import type { Mailbox } from '@opt/local-sgd';
import { directoryMailbox } from '@opt/local-sgd/directory';
import { natsMailbox } from '@opt/local-sgd/nats';
import { redisMailbox } from '@opt/local-sgd/redis';
import { Redis } from 'ioredis';
import { UsageError } from './options.ts';

const unreachable = (what: string, address: string, error: unknown): never => {
  const said = error instanceof Error ? error.message : String(error);
  throw new UsageError(`--mailbox: expected ${what} that answers at ${new URL(address).host}, got ${JSON.stringify(said)}`);
};

/** A connection that has been answered once, and from then on waits for a server that went away. */
const redisAt = async (address: string): Promise<Redis> => {
  let answered = false;
  let reason = 'no answer';
  const redis = new Redis(address, {
    maxRetriesPerRequest: null,
    lazyConnect: true,
    connectTimeout: 5000,
    retryStrategy: (times) => (answered ? Math.min(100 * times, 1000) : null),
  });
  // Every failed attempt to connect is an event; one that nobody hears would end the process.
  redis.on('error', (error) => {
    reason = error.message || reason;
  });
  try {
    await redis.connect();
  } catch {
    redis.disconnect();
    return unreachable('a Redis server', address, reason);
  }
  answered = true;
  return redis;
};

/** Opens the mailbox of an address; at a server, the one of this run. Closing it closes the connection. @throws UsageError where nobody answers */
export const mailboxAt = async (address: string, run: string): Promise<Mailbox> => {
  if (address.startsWith('dir:')) return directoryMailbox(address.slice('dir:'.length));
  // A name of keys and of subjects has no dots.
  const name = `workers-${run.replaceAll('.', '_')}`.slice(0, 64);
  if (address.startsWith('nats:')) {
    const connection = await connect({ servers: new URL(address).host, maxReconnectAttempts: -1 }).catch((error: unknown) =>
      unreachable('a NATS server', address, error),
    );
    const mailbox = await natsMailbox(connection, { name });
    return { ...mailbox, close: () => connection.close() };
  }
  const redis = await redisAt(address);
  const mailbox = redisMailbox(redis, { name });
  return {
    ...mailbox,
    async close() {
      await mailbox.close();
      redis.disconnect();
    },
  };
};
