import { isPromise, type MaybePromise } from '../../backend.ts';

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

/** `f` of one item after the other, awaited only where it has to be. */
export function inTurn<T>(items: Iterable<T>, f: (item: T) => MaybePromise<void>): MaybePromise<void> {
  const rest = items[Symbol.iterator]();
  const go = (): MaybePromise<void> => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) {
      const running = f(next.value);
      if (isPromise(running)) return running.then(go);
    }
    return undefined;
  };
  return go();
}

/** `try … catch` for both modes. */
export function attempt<T>(call: () => MaybePromise<T>, rescue: (error: unknown) => never): MaybePromise<T> {
  try {
    const result = call();
    return isPromise(result) ? result.catch(rescue) : result;
  } catch (error) {
    return rescue(error);
  }
}
