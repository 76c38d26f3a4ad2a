import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Judged } from '../../../benchmarks/tasks/judge.ts';
import type { Message, Order, Progress } from './messages.ts';

/** A process that failed for a reason it could say. */
export class WorkerFailed extends Error {
  override readonly name = 'WorkerFailed';
}

export interface Member {
  /**
   * Settles when everything was done, with what its model is then worth; undefined where it was killed for good. Whoever is killed begins
   * again from its checkpoint.
   *
   * @throws WorkerFailed
   */
  readonly done: Promise<Judged | undefined>;
  readonly id: number | undefined;
  /** kill -9; tells whether there was anything to kill. Without `comesBack` it stays dead. */
  kill(comesBack: boolean): boolean;
  stop(): void;
}

export interface StartOptions {
  readonly onProgress: (progress: Progress) => void;
  readonly onRestart?: () => void;
  /** A network namespace of this machine to run in. */
  readonly namespace?: string | undefined;
}

const attempts = 20;

/** Starts a process for an order, with this one's flags of node. */
export const start = (order: Order, { onProgress, onRestart = () => {}, namespace }: StartOptions): Member => {
  let child: ChildProcess;
  let stopped = false;
  const elsewhere =
    namespace === undefined ? {} : { execPath: 'ip', execArgv: ['netns', 'exec', namespace, process.execPath, ...process.execArgv] };
  const launch = (attempt: number): Promise<Judged | undefined> =>
    new Promise((resolve, reject) => {
      const program = fileURLToPath(new URL('./worker-process.ts', import.meta.url));
      child = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], ...elsewhere });
      let over = false;
      child.on('message', (message: Message) => {
        if ('progress' in message) {
          onProgress(message.progress);
        } else {
          over = true;
          if ('done' in message) resolve(message.done);
          else reject(new WorkerFailed(message.error));
        }
      });
      child.once('exit', (code, signal) => {
        if (over || stopped) return resolve(undefined);
        if (order.together === undefined || attempt >= attempts)
          return reject(new WorkerFailed(`its process ended with ${signal ?? `code ${code}`}`));
        onRestart();
        launch(attempt + 1).then(resolve, reject);
      });
      child.send({ ...order, ...(order.together && { together: { ...order.together, attempt } }) });
    });
  const done = launch(0);
  return {
    done,
    get id() {
      return child.pid;
    },
    kill(comesBack) {
      stopped = !comesBack;
      return child.kill('SIGKILL');
    },
    stop() {
      stopped = true;
      child.kill('SIGKILL');
    },
  };
};
