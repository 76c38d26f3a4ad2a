/// <reference lib="dom" preserve="true" />
import type { Mail, Start } from './control.ts';

/** Another script than the built one, for Node. */
export interface Entry {
  readonly script: URL;
  readonly flags: readonly string[];
}

/** A worker, seen from the thread that began it. */
export interface Worked {
  post(mail: Mail): void;
  end(): void;
}

interface NodeWorker {
  once(event: 'message', f: () => void): void;
  once(event: 'error', f: (error: Error) => void): void;
  postMessage(data: Start | Mail): void;
  unref(): void;
  terminate(): Promise<number>;
}

interface NodeThreads {
  readonly Worker: new (script: URL, options: { readonly execArgv?: readonly string[] }) => NodeWorker;
}

/** Node's, where this is Node; asked for in a way in which no bundler for browsers meets the name of the module in an import. */
declare const process: { getBuiltinModule?(name: 'node:worker_threads'): NodeThreads } | undefined;

const node = (): NodeThreads | undefined =>
  typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:worker_threads');

/** Why there can be no threads here; undefined where there can. */
export function hindrance(): string | undefined {
  if (typeof SharedArrayBuffer === 'undefined' || (node() === undefined && globalThis.crossOriginIsolated !== true))
    return 'this page is not cross-origin isolated (headers Cross-Origin-Opener-Policy and Cross-Origin-Embedder-Policy)';
  if (node() === undefined && typeof Worker === 'undefined') return 'there are no workers here';
  return undefined;
}

/** Whether this thread may sleep: the main thread of a page may not. */
export function maySleep(): boolean {
  try {
    // The word is another one, so that nothing is waited for where it may be.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}

/** A worker that has begun; rejects where it cannot. */
export function open(start: Start, entry?: Entry): Promise<Worked> {
  const threads = node();
  return threads === undefined ? openPage(start) : openNode(threads, start, entry);
}

function openNode({ Worker: Begun }: NodeThreads, start: Start, entry: Entry | undefined): Promise<Worked> {
  const worker =
    entry === undefined ? new Begun(new URL('./thread.js', import.meta.url), {}) : new Begun(entry.script, { execArgv: entry.flags });
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', () => {
      // A sleeping worker keeps no process alive.
      worker.unref();
      resolve({ post: (mail) => worker.postMessage(mail), end: () => void worker.terminate() });
    });
    worker.postMessage(start);
  });
}

function openPage(start: Start): Promise<Worked> {
  const worker = new Worker(new URL('./thread.js', import.meta.url), { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.addEventListener('error', ({ message }) => reject(new Error(message || 'its script cannot be had')), { once: true });
    worker.addEventListener('message', () => resolve({ post: (mail) => worker.postMessage(mail), end: () => worker.terminate() }), {
      once: true,
    });
    worker.postMessage(start);
  });
}
