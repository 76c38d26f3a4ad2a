import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Message, Order, Progress } from './messages.ts';

/** A process that failed for a reason it could say. */
export class WorkerFailed extends Error {
  override readonly name = 'WorkerFailed';
}

export interface Member {
  /** Settles when everything was done; whoever is killed begins again from its checkpoint. @throws WorkerFailed */
  readonly done: Promise<void>;
  readonly id: number | undefined;
  stop(): void;
}

const attempts = 20;

/** Starts a process for an order, with this one's flags of node. */
export const start = (order: Order, onProgress: (progress: Progress) => void, onRestart: () => void = () => {}): Member => {
  let child: ChildProcess;
  let stopped = false;
  let taken = 0;
  const launch = (attempt: number): Promise<void> =>
    new Promise((resolve, reject) => {
      child = fork(fileURLToPath(new URL('./worker-process.ts', import.meta.url)), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
      let over = false;
      child.on('message', (message: Message) => {
        if ('progress' in message) {
          taken += message.progress.losses.length;
          onProgress(message.progress);
        } else {
          over = true;
          if ('done' in message) resolve();
          else reject(new WorkerFailed(message.error));
        }
      });
      child.once('exit', (code, signal) => {
        if (over || stopped) return resolve();
        if (order.together === undefined || attempt >= attempts)
          return reject(new WorkerFailed(`its process ended with ${signal ?? `code ${code}`}`));
        onRestart();
        launch(attempt + 1).then(resolve, reject);
      });
      child.send({ ...order, ...(order.together && { together: { ...order.together, taken, attempt } }) });
    });
  const done = launch(0);
  return {
    done,
    get id() {
      return child.pid;
    },
    stop() {
      stopped = true;
      child.kill('SIGKILL');
    },
  };
};
