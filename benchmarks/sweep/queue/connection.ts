import { Redis } from 'ioredis';
import { UsageError } from '../../src/bench/options.ts';

/** Name of the queue at the Redis server. */
export const queueName = 'opt-sweep';

const connectTimeout = 5000;
const reconnectAtMost = 1000;

/**
 * A connection that has been answered once. From then on it waits for a server that went away, as long as it takes, as BullMQ needs it.
 * @throws UsageError where nobody answers.
 */
export const connect = async (url: string): Promise<Redis> => {
  let answered = false;
  let reason = 'no answer';
  const redis = new Redis(url, {
    maxRetriesPerRequest: null,
    lazyConnect: true,
    connectTimeout,
    retryStrategy: (times) => (answered ? Math.min(100 * times, reconnectAtMost) : null),
  });
  // Every failed attempt to connect is an event; one that nobody hears would end the process.
  redis.on('error', (error) => {
    reason = error.message || reason;
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    redis.disconnect();
    const said = error instanceof Error && !/closed/.test(error.message) ? error.message : reason;
    throw new UsageError(`--queue: expected a Redis server that answers at ${new URL(url).host}, got ${JSON.stringify(said)}`);
  }
  answered = true;
  return redis;
};
