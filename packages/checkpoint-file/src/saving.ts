import { CheckpointError, type LoadOptions, type LoadReport, type MaybePromise, message, OptionTypeError } from '@opt/core';

/** What can be saved: an optimizer, or a state of `toOptax`. */
export interface Saves {
  save(): MaybePromise<Uint8Array>;
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

/** Saves under way, by file. */
const pending = new Map<string, Promise<void>>();

/**
 * Writes what `optimizer` is at this moment once every earlier save to the same file is over, however that ended: the last one
 * called is the one that stays.
 */
export function saveInTurn(file: string, optimizer: Saves, write: (bytes: Uint8Array) => Promise<void>): Promise<void> {
  const earlier = pending.get(file)?.catch(() => undefined);
  const own = Promise.all([optimizer.save(), earlier]).then(([bytes]) => write(bytes));
  pending.set(file, own);
  const over = (): void => {
    if (pending.get(file) === own) pending.delete(file);
  };
  own.then(over, over);
  return own;
}

export const failed = (call: string, path: string, what: string, cause: unknown): CheckpointError =>
  new CheckpointError(`${call}: '${path}' ${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
