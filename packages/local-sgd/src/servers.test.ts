import { connect } from '@nats-io/transport-node';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Mailbox, MailboxError, table } from './index.ts';
import { natsMailbox } from './nats.ts';
import { redisMailbox } from './redis.ts';
import { testMailbox } from './testing/mailbox-contract.ts';
import { natsServer, redisServer, type Server, startNats, startRedis } from './testing/servers.ts';
import { make, train } from './testing/workers.ts';

let run = 0;
const named = (what: string, program: string | undefined): string =>
  program === undefined ? `${what} (skipped: there is no server in PATH)` : what;

/** What a mailbox must do at a real server, which is killed and started again in the middle. */
function testAtServer(open: (keep?: number) => Promise<Mailbox>, server: () => Server): void {
  testMailbox(() => open());

  it('workers meet there, and go on when the server was killed and is back', async () => {
    const mailboxes = await Promise.all([0, 1, 2].map(() => open()));
    const workers = await Promise.all(
      mailboxes.map((mailbox, k) => make(k, { mailbox, workers: 3, codec: table({ bins: 16 }), syncEvery: 1 })),
    );
    const digests = new Map<number, Set<string>>();
    let restarted: Promise<void> | undefined;
    const told = (turn: number, digest: string): void => {
      digests.set(turn, (digests.get(turn) ?? new Set()).add(digest));
      if (turn === 5) restarted ??= server().restart();
    };
    await Promise.all(workers.map((worker, k) => train(worker, k, 10, told)));
    await restarted;
    expect([...digests.values()].map(({ size }) => size)).toEqual(new Array(10).fill(1));
    expect(workers.map(({ tally }) => tally.missed)).toEqual([0, 0, 0]);
    const late = await make(3, { mailbox: await open(), codec: table({ bins: 16 }), syncEvery: 1 });
    await late.join();
    expect(digests.get(10)).toEqual(new Set([await late.digest()]));
    await Promise.all(mailboxes.map((mailbox) => mailbox.close()));
  });

  it('keeps as many turns as it is told', async () => {
    const mailbox = await open(2);
    for (let turn = 0; turn < 4; turn++) {
      await mailbox.post(turn, Uint8Array.of(turn));
      await mailbox.commit(turn, Uint8Array.of(turn));
    }
    const nothing = { seen: new Set<string>(), wait: 0, most: 10 };
    const counts = [0, 1, 2, 3].map(async (turn) => [(await mailbox.collect(turn, nothing)).length, (await mailbox.committed(turn))?.turn]);
    expect(await Promise.all(counts)).toEqual([
      [0, undefined],
      [0, undefined],
      [1, 2],
      [1, 3],
    ]);
  });
}

describe.skipIf(redisServer === undefined)(named('redisMailbox', redisServer), () => {
  let server: Server;
  const connections: Redis[] = [];
  const client = (): Redis => {
    const redis = new Redis({ port: server.port, host: '127.0.0.1', maxRetriesPerRequest: null });
    redis.on('error', () => {});
    connections.push(redis);
    return redis;
  };
  const open = async (keep = 1000): Promise<Mailbox> => redisMailbox(client(), { name: `run-${run}`, keep });
  beforeAll(async () => {
    server = await startRedis(redisServer ?? '');
  });
  beforeEach(() => {
    run++;
  });
  afterEach(() => {
    for (const redis of connections.splice(0)) redis.disconnect();
  });
  afterAll(() => server.stop());

  testAtServer(open, () => server);

  it('says what the server refused', async () => {
    const mailbox = await open();
    await client().set(`run-${run}:turn:9`, 'no stream');
    await expect(mailbox.post(9, new Uint8Array(1))).rejects.toThrow(MailboxError);
    expect(() => redisMailbox(client(), { name: 'a:b' })).toThrow(
      "redisMailbox: name must be up to 64 letters, digits, _ and -, received 'a:b'",
    );
  });
});

describe.skipIf(natsServer === undefined)(named('natsMailbox', natsServer), () => {
  let server: Server;
  const connections: Awaited<ReturnType<typeof connect>>[] = [];
  const open = async (keep = 1000): Promise<Mailbox> => {
    const connection = await connect({ port: server.port, maxReconnectAttempts: -1, reconnectTimeWait: 50, waitOnFirstConnect: true });
    connections.push(connection);
    return natsMailbox(connection, { name: `run-${run}`, keep });
  };
  beforeAll(async () => {
    server = await startNats(natsServer ?? '');
  });
  beforeEach(() => {
    run++;
  });
  afterEach(async () => {
    await Promise.all(connections.splice(0).map((connection) => connection.close()));
  });
  afterAll(() => server.stop());

  testAtServer(open, () => server);

  it('says what the server refused', async () => {
    const mailbox = await open();
    await expect(mailbox.post(5, new Uint8Array(2 ** 21))).rejects.toThrow(MailboxError);
  });
});
