/// <reference lib="dom" preserve="true" />
import type { Work } from './work.ts';

export interface Question {
  readonly id: number;
  readonly work: Work;
}

export type Answer = { readonly id: number } & ({ readonly data: Float32Array<ArrayBuffer> } | { readonly error: string });

/** A worker, seen from the thread that made it. */
export interface Link {
  ask(question: Question): void;
  /** Whether somebody waits: an idle worker keeps no process alive. */
  busy(waiting: boolean): void;
  end(): void;
}

/** What a worker tells. */
export interface Listener {
  hear(answer: Answer): void;
  /** It cannot be had, or is no more. */
  gone(): void;
}

/** Another script than the built one, for Node. */
export interface Entry {
  readonly script: URL;
  readonly flags: readonly string[];
}

interface Thread {
  on(event: 'message', f: (answer: Answer) => void): void;
  on(event: 'error' | 'exit', f: () => void): void;
  postMessage(question: Question): void;
  ref(): void;
  unref(): void;
  terminate(): Promise<number>;
}

interface Port {
  on(event: 'message', f: (question: Question) => void): void;
  postMessage(answer: Answer, transfer: readonly ArrayBuffer[]): void;
}

interface Threads {
  readonly Worker: new (script: URL, options: { readonly execArgv?: readonly string[] }) => Thread;
  readonly parentPort: Port | null;
}

/** Node's, where this is Node; asked for in a way in which no bundler for browsers meets the name of the module in an import. */
declare const process: { getBuiltinModule?(name: 'node:worker_threads'): Threads } | undefined;

/** Threads of Node. */
export const threads = (): Threads | undefined =>
  typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:worker_threads');

/** A worker of the platform's; undefined where it lets none begin. */
export function open(listener: Listener, entry?: Entry): Link | undefined {
  try {
    const node = threads();
    if (node !== undefined) return thread(node, listener, entry);
    return typeof Worker === 'undefined' ? undefined : page(listener);
  } catch {
    return undefined;
  }
}

function thread({ Worker: NodeWorker }: Threads, listener: Listener, entry: Entry | undefined): Link {
  const worker =
    entry === undefined
      ? new NodeWorker(new URL('./serve.js', import.meta.url), {})
      : new NodeWorker(entry.script, { execArgv: entry.flags });
  worker.on('message', (answer) => listener.hear(answer));
  worker.on('error', () => listener.gone());
  worker.on('exit', () => listener.gone());
  worker.unref();
  return {
    ask: (question) => worker.postMessage(question),
    busy: (waiting) => (waiting ? worker.ref() : worker.unref()),
    end: () => void worker.terminate(),
  };
}

function page(listener: Listener): Link {
  // In this form bundlers find the script, and make a file of it.
  const worker = new Worker(new URL('./serve.js', import.meta.url), { type: 'module' });
  worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => listener.hear(data));
  worker.addEventListener('error', () => listener.gone());
  return { ask: (question) => worker.postMessage(question), busy() {}, end: () => worker.terminate() };
}
