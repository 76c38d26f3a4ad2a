import { isPromise, type MaybePromise } from '@opt/core';

/** Work that may have to wait: it gives out what it waits for. */
export type Work<T> = Generator<Promise<unknown>, T, undefined>;

/** A value, waited for if it is a promise. */
export function* settled<T>(value: MaybePromise<T>): Work<T> {
  if (!isPromise(value)) return value;
  const found: T[] = [];
  yield value.then((one) => found.push(one));
  for (const one of found) return one;
  throw new Error('a promise was not waited for');
}

/** Does work at once, as far as there is nothing to wait for. */
export function done<T>(work: Work<T>): MaybePromise<T> {
  const { value, done: over } = work.next();
  return over === true ? value : waiting(work, value);
}

async function waiting<T>(work: Work<T>, first: Promise<unknown>): Promise<T> {
  let promise = first;
  for (;;) {
    let next: IteratorResult<Promise<unknown>, T>;
    try {
      await promise;
      next = work.next();
    } catch (error) {
      next = work.throw(error);
    }
    if (next.done === true) return next.value;
    promise = next.value;
  }
}
