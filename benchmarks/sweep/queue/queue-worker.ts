import { UnrecoverableError, WaitingError, Worker } from 'bullmq';
import { checkedQuestion } from '../runs/checked.ts';
import { attempts } from '../runs/executor.ts';
import type { Question } from '../runs/messages.ts';
import { describeRun, type RunResult } from '../runs/run.ts';
import { type Worker as Process, startWorker } from '../runs/worker.ts';
import { connect, queueName } from './connection.ts';

export interface QueueWorkerOptions {
  readonly queue: string;
  /** Runs at a time, each in a process of its own. */
  readonly workers: number;
  /** Seconds of silence after which a run is given to somebody else. */
  readonly lock: number;
  /** Seconds without a run after which the worker ends; undefined: it stays. */
  readonly idle: number | undefined;
  readonly name: string;
  readonly catalogueUrl: string;
  readonly tell: (line: string) => void;
}

export interface QueueWorker {
  /** Settles when the worker ended, idle or stopped. */
  readonly ended: Promise<void>;
  /** Gives the runs at hand back to the queue and ends. */
  stop(): Promise<void>;
}

/** Does runs that a sweep handed to a Redis server. @throws UsageError where nobody answers there. */
export const queueWorker = async (options: QueueWorkerOptions): Promise<QueueWorker> => {
  const { workers, lock, idle, name, catalogueUrl, tell } = options;
  const connection = await connect(options.queue);
  const free: Process[] = [];
  const busy = new Set<Process>();
  let stopping = false;
  /** Seconds without a run. */
  let quiet = 0;
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });

  const hire = (): Process => {
    for (let found = free.pop(); found !== undefined; found = free.pop()) if (found.alive) return found;
    return startWorker(catalogueUrl);
  };

  /** What a job asks for. Anybody who reaches the server can add one: nothing is started for what is no run, and it is not tried again. */
  const asked = (data: unknown, id: string | undefined): Question => {
    try {
      return checkedQuestion(data, `job ${id ?? ''}`);
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      tell(`${name}: ${said}`);
      throw new UnrecoverableError(said);
    }
  };

  const worker = new Worker<unknown, RunResult>(
    queueName,
    async (job, token) => {
      quiet = 0;
      const question = asked(job.data, job.id);
      const process = hire();
      busy.add(process);
      const what = `${name}: ${describeRun(question.spec)}`;
      try {
        tell(`${what} begins, attempt ${job.attemptsMade + 1}`);
        const result = await process.run(question, (step) => void job.updateProgress(step).catch(() => {}));
        tell(`${what} done in ${result.seconds.toFixed(1)} s`);
        return result;
      } catch (error) {
        if (stopping) {
          await job.moveToWait(token);
          throw new WaitingError();
        }
        tell(`${what} failed: ${error instanceof Error ? error.message : String(error)}`);
        throw error;
      } finally {
        busy.delete(process);
        if (process.alive) free.push(process);
      }
    },
    {
      connection,
      concurrency: workers,
      name,
      lockDuration: 1000 * lock,
      stalledInterval: 1000 * lock,
      // A run that takes its worker down with it every time must end as well.
      maxStalledCount: attempts - 1,
    },
  );
  // What goes wrong with the connection is mended by the connection itself; a lost lock means that somebody else has the run.
  worker.on('error', () => {});

  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    clearInterval(beat);
    for (const process of [...busy, ...free]) process.stop();
    await worker.close();
    connection.disconnect();
    end();
  };

  // Only seconds in which the server answered count as idle: while it is away, what was done cannot be handed in.
  let answered = true;
  const beat = setInterval(async () => {
    if (!answered) return;
    answered = false;
    await connection.ping().catch(() => {});
    answered = true;
    quiet = busy.size > 0 ? 0 : quiet + 1;
    if (idle !== undefined && quiet >= idle) await stop();
  }, 1000);

  await worker.waitUntilReady();
  return { ended, stop };
};
