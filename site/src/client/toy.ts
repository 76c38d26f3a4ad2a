/// <reference lib="dom" preserve="true" />
import type { ToyReply, ToyRequest } from './toys-messages.ts';

/** Asks the worker of the toys, one question at a time: while it thinks, only the latest of those that came is kept. */
export function toy(take: (reply: ToyReply) => void): (request: ToyRequest) => void {
  const worker = new Worker(new URL('./toys-worker.js', import.meta.url), { type: 'module' });
  let thinking = false;
  let waiting: ToyRequest | undefined;
  const ask = (request: ToyRequest): void => {
    if (thinking) waiting = request;
    else worker.postMessage(request);
    thinking = true;
  };
  worker.addEventListener('message', ({ data }: MessageEvent<ToyReply>) => {
    thinking = false;
    take(data);
    const next = waiting;
    waiting = undefined;
    if (next) ask(next);
  });
  return ask;
}
