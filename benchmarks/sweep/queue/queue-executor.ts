import { Queue, QueueEvents } from 'bullmq';
import { checkedResult } from '../runs/checked.ts';
import { attempts, type Executor, type Job, RunFailed } from '../runs/executor.ts';
import type { Question } from '../runs/messages.ts';
import type { RunResult } from '../runs/run.ts';
import { connect, queueName } from './connection.ts';

interface Waiting {
  readonly job: Job;
  readonly done: (result: RunResult) => void;
  readonly failed: (error: unknown) => void;
}

/** Milliseconds before a failed run is tried again; doubled every time. */
const backoff = 1000;
/** Events can be missed while Redis is away: this often everything outstanding is looked at. */
const lookEvery = 3000;
/** Seconds that results stay in Redis for a sweep that was interrupted. */
const keep = 7 * 24 * 3600;

/**
 * Hands runs to workers at a Redis server. A run is known by its settings key: asked for again, after this process was killed, it is the
 * same job, done, waiting or at work. Jobs that a server without a memory has lost are added anew.
 * @throws UsageError where nobody answers at `url`.
 */
export const queueExecutor = async (url: string): Promise<Executor> => {
  const connection = await connect(url);
  const queue = new Queue<Question, unknown>(queueName, { connection });
  const events = new QueueEvents(queueName, { connection });
  // What goes wrong with the connection is mended by the connection itself.
  queue.on('error', () => {});
  events.on('error', () => {});
  const waiting = new Map<string, Waiting>();

  const add = async (id: string, { spec, key, priority }: Job): Promise<void> => {
    const earlier = await queue.getJob(id);
    if ((await earlier?.isFailed()) === true) await earlier?.remove();
    await queue.add(
      spec.task,
      { spec, key },
      {
        jobId: id,
        priority,
        attempts,
        backoff: { type: 'exponential', delay: backoff },
        removeOnComplete: { age: keep },
        removeOnFail: { age: keep },
      },
    );
  };

  const look = async (id: string): Promise<void> => {
    const outstanding = waiting.get(id);
    if (outstanding === undefined) return;
    const state = await queue.getJobState(id);
    if (state === 'unknown') return add(id, outstanding.job);
    if (state !== 'completed' && state !== 'failed') return;
    const job = await queue.getJob(id);
    if (job === undefined) return;
    waiting.delete(id);
    if (state === 'failed') return outstanding.failed(new RunFailed(job.failedReason));
    try {
      outstanding.done(checkedResult(job.returnvalue, 'what a worker handed in'));
    } catch (error) {
      outstanding.failed(new RunFailed(error instanceof Error ? error.message : String(error)));
    }
  };

  events.on('completed', ({ jobId }) => void look(jobId).catch(() => {}));
  events.on('failed', ({ jobId }) => void look(jobId).catch(() => {}));
  events.on('progress', ({ jobId, data }) => {
    if (typeof data === 'number') waiting.get(jobId)?.job.onStep(data);
  });
  // Questions to a server that is away wait in line: no more of them until the last were answered.
  let looking = false;
  const timer = setInterval(async () => {
    if (looking) return;
    looking = true;
    await Promise.allSettled([...waiting.keys()].map(look));
    looking = false;
  }, lookEvery);
  await events.waitUntilReady();

  return {
    run: (job) =>
      new Promise((done, failed) => {
        const id = `run-${job.key}`;
        // Looked at only from here on: an earlier sweep may have left it there as failed.
        add(id, job)
          .then(() => {
            waiting.set(id, { job, done, failed });
            return look(id);
          })
          .catch(failed);
      }),
    async close() {
      clearInterval(timer);
      await Promise.allSettled([events.close(), queue.close()]);
      connection.disconnect();
    },
  };
};
