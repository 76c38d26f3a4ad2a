import type { Mnist1d } from '../race/data.ts';

// In a browser this stands in for the race's module of the same name, which reads files.

let offered: Mnist1d | undefined;

/** The signals that were fetched. */
export function offer(data: Mnist1d): void {
  offered = data;
}

export function mnist1d(): Mnist1d {
  if (offered === undefined) throw new Error('MNIST-1D was asked for before it was fetched');
  return offered;
}
