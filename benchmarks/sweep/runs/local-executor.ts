import { attempts, type Executor, type Job, RunFailed } from './executor.ts';
import type { RunResult } from './run.ts';
import { startWorker, type Worker, WorkerLost } from './worker.ts';

export interface LocalOptions {
  /** Processes at a time. */
  readonly workers: number;
  readonly catalogueUrl: string;
}

interface Waiting {
  readonly job: Job;
  readonly done: (result: RunResult) => void;
  readonly failed: (error: unknown) => void;
}

/** Does runs in processes of this machine; a process that dies is replaced and its run begun anew. */
export const localExecutor = ({ workers, catalogueUrl }: LocalOptions): Executor => {
  const waiting: Waiting[] = [];
  const idle: Worker[] = [];
  const all = new Set<Worker>();
  let busy = 0;
  let closed = false;

  const hire = (): Worker => {
    for (let worker = idle.pop(); worker !== undefined; worker = idle.pop()) if (worker.alive) return worker;
    const worker = startWorker(catalogueUrl);
    all.add(worker);
    return worker;
  };

  const perform = async (job: Job): Promise<RunResult> => {
    for (let attempt = 1; ; attempt++) {
      const worker = hire();
      try {
        return await worker.run(job, job.onStep);
      } catch (error) {
        if (!(error instanceof WorkerLost) || closed) throw error;
        if (attempt === attempts) throw new RunFailed(error.message);
      } finally {
        if (worker.alive) idle.push(worker);
        else all.delete(worker);
      }
    }
  };

  const next = (): void => {
    while (busy < workers && !closed) {
      const first = waiting.reduce((least, { job }, index) => (job.priority < (waiting[least]?.job.priority ?? 0) ? index : least), 0);
      const [taken] = waiting.splice(first, 1);
      if (taken === undefined) return;
      busy++;
      perform(taken.job)
        .then(taken.done, taken.failed)
        .finally(() => {
          busy--;
          next();
        });
    }
  };

  return {
    run: (job) =>
      new Promise((done, failed) => {
        waiting.push({ job, done, failed });
        next();
      }),
    async close() {
      closed = true;
      for (const worker of all) worker.stop();
    },
  };
};
