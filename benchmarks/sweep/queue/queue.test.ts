import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { Redis as Connection } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Redis, redisServer, startRedis } from '../fixtures/redis.ts';
import { outcome, savedRuns, start, withoutTimes } from '../fixtures/spawned.ts';

const folder = mkdtempSync(join(tmpdir(), 'sweep-queue-'));
afterAll(() => rmSync(folder, { recursive: true }));
const out = (name: string) => join(folder, name);

describe.skipIf(redisServer === undefined)(
  redisServer === undefined ? 'a sweep at a queue (skipped: there is no redis-server in PATH)' : 'a sweep at a queue',
  () => {
    /** Four slow runs of two rates each, and seeds: long enough to be in the middle of. */
    const slow = ['--tasks', 'rnn', '--rates', '0.01,0.1', '--seeds', '2'];
    let redis: Redis;
    let workers: ReturnType<typeof start>[] = [];

    beforeAll(async () => {
      await outcome(start('sweep', ['--out', out('local'), ...slow]));
    }, 60_000);
    beforeEach(async () => {
      redis = await startRedis(redisServer ?? '');
    });
    afterEach(async () => {
      for (const worker of workers) worker.kill('SIGKILL');
      workers = [];
      await redis.stop();
    });

    const worker = (name: string, ...args: string[]) => {
      const started = start('worker', ['--queue', redis.url, '--workers', '1', '--lock', '2', '--name', name, ...args]);
      let said = '';
      started.stdout.on('data', (text: Buffer) => {
        said += text;
      });
      workers.push(started);
      /** Settles when the worker has said this. */
      const hears = async (part: string): Promise<void> => {
        while (!said.includes(part)) await new Promise((resolve) => setTimeout(resolve, 20));
      };
      return { process: started, hears, said: () => said };
    };
    const master = (name: string, ...args: string[]) => start('sweep', ['--out', out(name), '--queue', redis.url, ...args]);

    test('the run of a worker that is killed in the middle is finished by another; the result is that of a local sweep', async () => {
      const [first, second] = [worker('first'), worker('second')];
      const sweeping = outcome(master('killed', ...slow));
      await first.hears('begins');
      const begun = /first: (.*) begins/.exec(first.said())?.[1] ?? '';
      first.process.kill('SIGKILL');
      const { stdout, stderr, exitCode } = await sweeping;
      expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
      expect(first.said()).not.toContain(`${begun} done`);
      expect(second.said()).toContain(`second: ${begun} done`);
      expect(withoutTimes(out('killed'))).toEqual(withoutTimes(out('local')));
      expect(savedRuns(out('killed'))).toEqual(savedRuns(out('local')));
      expect(stdout).toContain(' left)');
    }, 120_000);

    test('while Redis is away nothing is lost, and the sweep goes on when it is back', async () => {
      const one = worker('one');
      const sweeping = outcome(master('away', ...slow));
      await one.hears('done');
      await redis.restart(3000);
      const { stderr, exitCode } = await sweeping;
      expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
      expect(withoutTimes(out('away'))).toEqual(withoutTimes(out('local')));
    }, 120_000);

    test('a run that fails every time is tried three times and reported', async () => {
      const one = worker('one');
      const { stdout, exitCode } = await outcome(master('failing', '--tasks', 'matrix-sign', '--optimizers', 'adamw', '--rates', '0.1'));
      expect(exitCode).toBe(1);
      expect(stdout).toContain('FAILED: matrix-sign, adamw, rate 0.100, seed 0: this task never goes well');
      expect(one.said().match(/begins, attempt/g)).toHaveLength(3);
    }, 120_000);

    test('a master that was killed finds its runs again, done or not', async () => {
      const args = [...slow, '--optimizers', 'adamw'];
      const killed = master('again', ...args);
      const one = worker('one');
      await one.hears('begins');
      killed.kill('SIGKILL');
      await one.hears('done');
      const { exitCode } = await outcome(master('again', ...args));
      expect(exitCode).toBe(0);
      // Two rates, and the other seed at the better: none of them twice.
      expect(one.said().match(/begins, attempt 1/g)).toHaveLength(3);
    }, 120_000);

    test('jobs that are no runs fail with a message, start nothing, and do not keep a worker from being idle', async () => {
      const spec = { task: 'quadratic', optimizer: 'adamw', rate: 0.1, seed: 0, steps: 40, backend: 'wasm' };
      const connection = new Connection(redis.url, { maxRetriesPerRequest: null });
      const queue = new Queue('opt-sweep', { connection });
      const bad = [{}, null, { key: 'k', spec: { ...spec, rate: '0.1' } }, { key: 'k', spec: { ...spec, task: '../../quadratic' } }];
      const jobs = await Promise.all(bad.map((data) => queue.add('bad', data, { attempts: 3 })));
      const one = worker('one', '--idle', '2');
      expect((await outcome(one.process)).exitCode).toBe(0);
      const failed = await Promise.all(jobs.map(async ({ id }) => (await queue.getJob(id ?? ''))?.failedReason));
      expect(failed).toEqual([
        'job 1: expected key to be that of its settings, got nothing',
        'job 2: expected { spec, key }, got null',
        'job 3: expected rate to be a number above 0, got "0.1"',
        'job 4: expected task to be the name of a task, got "../../quadratic"',
      ]);
      expect(one.said()).not.toContain('begins');
      await queue.close();
      connection.disconnect();
    }, 120_000);

    test('a worker ends by itself when it was idle, and gives its run back when it is told to stop', async () => {
      const idle = worker('idle', '--idle', '1');
      expect((await outcome(idle.process)).exitCode).toBe(0);
      const stopped = worker('stopped');
      const sweeping = outcome(master('stopped', ...slow, '--optimizers', 'adamw'));
      await stopped.hears('begins');
      stopped.process.kill('SIGTERM');
      expect((await outcome(stopped.process)).exitCode).toBe(0);
      const other = worker('other');
      expect((await sweeping).exitCode).toBe(0);
      // Handed back, not failed: it still has all its attempts.
      expect(other.said()).not.toContain('attempt 2');
      expect(savedRuns(out('stopped'))).toHaveLength(3);
    }, 120_000);
  },
);

test('a worker without a server, or without an address: one line, exit code 2', async () => {
  const [unreachable, missing] = await Promise.all([
    outcome(start('worker', ['--queue', 'redis://127.0.0.1:1'])),
    outcome(start('worker', [])),
  ]);
  expect(unreachable).toMatchObject({ stdout: '', exitCode: 2 });
  expect(unreachable.stderr).toMatch(
    /^sweep-worker: --queue: expected a Redis server that answers at 127\.0\.0\.1:1, got "connect ECONNREFUSED[^\n]*\n$/,
  );
  expect(missing).toEqual({
    stdout: '',
    stderr: 'sweep-worker: --queue: expected an address such as redis://localhost:6379, got nothing\n',
    exitCode: 2,
  });
});
