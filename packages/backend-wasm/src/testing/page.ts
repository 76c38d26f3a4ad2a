/// <reference lib="dom" />
import { train } from './train.ts';

/** What the browser test reads: the result of the page, and of a module worker. */
export interface Results {
  readonly page: number[];
  readonly worker: number[];
}

declare global {
  var results: Promise<Results>;
}

globalThis.results = new Promise((resolve, reject) => {
  const worker = new Worker('worker.js', { type: 'module' });
  worker.addEventListener('message', ({ data }: MessageEvent<number[]>) => resolve({ page: train(), worker: data }));
  worker.addEventListener('error', ({ message }) => reject(new Error(message)));
});
