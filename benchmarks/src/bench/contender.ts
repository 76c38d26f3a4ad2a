import { isPromise, type MaybePromise } from '@opt/core';

/** One competitor, made ready. */
export interface Contender {
  /** Seconds that so many iterations take, everything in them finished. */
  run(iterations: number): Promise<number>;
  dispose(): MaybePromise<void>;
}

/** One line of a comparison: how to make the competitor. It is made when its comparison starts, and disposed of after it. */
export interface Entry {
  readonly name: string;
  /** Iterations come in multiples of this many; default 1. */
  readonly block?: number;
  /** @throws MissingPeer where it cannot run on this machine */
  make(): Promise<Contender>;
}

/** A peer that is not there, and why. */
export class MissingPeer extends Error {
  override readonly name = 'MissingPeer';
}

/** An entry for something known not to be there. */
export const missing = (name: string, why: string): Entry => ({ name, make: () => Promise.reject(new MissingPeer(why)) });

/** A contender that calls `step` over and over in this process. */
export const looped = (step: () => MaybePromise<unknown>, dispose: () => MaybePromise<void> = () => {}): Contender => ({
  async run(iterations) {
    const start = performance.now();
    for (let i = 0; i < iterations; i++) {
      const stepping = step();
      if (isPromise(stepping)) await stepping;
    }
    return (performance.now() - start) / 1000;
  },
  dispose,
});
