import { CheckpointError, type LoadOptions, type LoadReport, type MaybePromise, message, OptionTypeError } from '@opt/core';

/** What can be saved: an optimizer, or a state of `toOptax`. */
export interface Saves {
  save(): MaybePromise<Uint8Array>;
  /** The same in pieces, where it can be had without a copy of the whole. */
  saveTo?(write: (piece: Uint8Array) => void): MaybePromise<void>;
}

/** What a file can be loaded into: an optimizer. */
export interface Loads {
  load(file: Uint8Array, options?: LoadOptions): MaybePromise<LoadReport>;
}

export function checkSaves(optimizer: unknown): void {
  if (!hasMethod(optimizer, 'save'))
    throw new OptionTypeError(message('saveFile', 'optimizer', 'an optimizer, which has save()', optimizer));
}

export function checkLoads(optimizer: unknown): void {
  if (!hasMethod(optimizer, 'load'))
    throw new OptionTypeError(message('loadFile', 'optimizer', 'an optimizer, which has load()', optimizer));
}

const hasMethod = (value: unknown, name: string): boolean =>
  typeof value === 'object' && value !== null && typeof Reflect.get(value, name) === 'function';

/** What every file waits for: the end of its saves so far. */
const pending = new Map<string, Promise<unknown>>();

/**
 * Finishes a save that has begun once every earlier save to the same file is over, however that ended: the last one called is the one
 * that stays.
 */
export function inTurn<T>(file: string, begun: Promise<T>, finish: (begun: T) => Promise<void>): Promise<void> {
  const earlier = pending.get(file);
  const own = Promise.all([begun, earlier]).then(([held]) => finish(held));
  const over = Promise.allSettled([earlier, own]).then(() => {
    if (pending.get(file) === over) pending.delete(file);
  });
  pending.set(file, over);
  return own;
}

export const failed = (call: string, path: string, what: string, cause: unknown): CheckpointError =>
  new CheckpointError(`${call}: '${path}' ${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
