import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { RunFailed } from './executor.ts';
import type { Answer, Question } from './messages.ts';
import type { RunResult } from './run.ts';

/** A worker process that ended in the middle of a run: another may do better. */
export class WorkerLost extends Error {
  override readonly name = 'WorkerLost';
}

/** A process that does one run at a time. */
export interface Worker {
  readonly alive: boolean;
  /** @throws RunFailed where the run threw, WorkerLost where the process ended. */
  run(question: Question, onStep: (step: number) => void): Promise<RunResult>;
  /** Ends the process at once. */
  stop(): void;
}

/** Characters of a dead worker's last words that are told. */
const lastWords = 400;

/** Starts a worker process, with this one's flags of node. `catalogueUrl`: the module of its tasks and optimizers. */
export const startWorker = (catalogueUrl: string): Worker => {
  const child = fork(fileURLToPath(new URL('./worker-process.ts', import.meta.url)), [catalogueUrl], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let said = '';
  child.stderr?.on('data', (text: Buffer) => {
    said = `${said}${text}`.slice(-lastWords);
  });
  let alive = true;
  for (const end of ['exit', 'error'])
    child.once(end, () => {
      alive = false;
    });
  return {
    get alive() {
      return alive;
    },
    run: (question, onStep) => ask(child, question, onStep, () => said.trim()),
    stop: () => child.kill('SIGKILL'),
  };
};

const ask = (child: ChildProcess, question: Question, onStep: (step: number) => void, said: () => string): Promise<RunResult> =>
  new Promise((resolve, reject) => {
    const hear = (answer: Answer): void => {
      if ('step' in answer) {
        onStep(answer.step);
        return;
      }
      settle();
      if ('result' in answer) resolve(answer.result);
      else reject(new RunFailed(answer.error));
    };
    const lost = (code: number | null, signal: NodeJS.Signals | null): void => {
      settle();
      reject(new WorkerLost(`its process ended with ${signal ?? `code ${code}`}${said() === '' ? '' : `: ${said()}`}`));
    };
    const settle = (): void => {
      child.off('message', hear);
      child.off('exit', lost);
      child.off('error', unable);
    };
    const unable = (error: Error): void => {
      settle();
      reject(new WorkerLost(error.message));
    };
    child.on('message', hear);
    child.on('exit', lost);
    child.on('error', unable);
    child.send(question);
  });
