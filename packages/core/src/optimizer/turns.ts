import { isPromise, type MaybePromise } from '../backend.ts';

/** Calls one after the other, in the order they came in; on a synchronous backend, at once. */
export class Turns {
  /** The end of the last call that is still under way. */
  private pending: Promise<unknown> | undefined;

  get idle(): boolean {
    return this.pending === undefined;
  }

  take<A, T>(argument: A, call: (argument: A) => MaybePromise<T>): MaybePromise<T> {
    const result = this.afterwards(() => call(argument));
    if (!isPromise(result)) return result;
    // Whoever awaits the result finds the turn over already.
    const end = (): void => {
      if (this.pending === over) this.pending = undefined;
    };
    const over: Promise<void> = result.then(end, end);
    this.pending = over;
    return result;
  }

  /** Looks when every call so far is over, without being a call that others wait for. */
  afterwards<T>(look: () => MaybePromise<T>): MaybePromise<T> {
    return this.pending === undefined ? look() : this.pending.then(look);
  }
}
