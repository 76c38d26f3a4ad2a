import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CheckpointError, type LoadOptions, type LoadReport, message, OptionTypeError } from '@opt/core';
import { Draft, most } from './draft.ts';
import { checkLoads, checkSaves, failed, inTurn, type Loads, type Saves } from './saving.ts';

export type { Loads, Saves } from './saving.ts';

/**
 * Saves a checkpoint, so that the file is the old one or the new one, whole, whatever happens meanwhile: it is written beside the old
 * one, made durable and renamed. Folders are made as needed; what an interrupted save left behind is removed. The state is that of the
 * call, in which it is handed to the system piece by piece, without a copy; training may go on while the system brings it to the disk.
 *
 * @throws CheckpointError if it cannot be written, with the old file as it was · whatever `optimizer.save` throws
 */
export async function saveFile(path: string | URL, optimizer: Saves): Promise<void> {
  const file = pathOf('saveFile', path);
  checkSaves(optimizer);
  const draft = saying(file, () => new Draft(file));
  const write = (piece: Uint8Array): void => saying(file, () => draft.write(piece));
  const written = async (): Promise<void> => (optimizer.saveTo === undefined ? write(await optimizer.save()) : optimizer.saveTo(write));
  const begun = written();
  try {
    await inTurn(file, begun, () => draft.publish().catch((cause: unknown) => fail(file, cause)));
  } catch (error) {
    draft.discard();
    throw error;
  }
}

function fail(file: string, cause: unknown): never {
  throw cause instanceof CheckpointError ? cause : failed('saveFile', file, 'could not be written, an older file is as it was', cause);
}

function saying<T>(file: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    return fail(file, cause);
  }
}

/**
 * Loads what `saveFile` saved; options and report are those of `optimizer.load`.
 *
 * @throws CheckpointError if it cannot be read, or does not fit; nothing has changed then
 */
export async function loadFile(path: string | URL, optimizer: Loads, options?: LoadOptions): Promise<LoadReport> {
  const file = pathOf('loadFile', path);
  checkLoads(optimizer);
  let bytes: Uint8Array;
  try {
    bytes = await read(file);
  } catch (cause) {
    throw failed('loadFile', file, 'could not be read', cause);
  }
  return optimizer.load(bytes, options);
}

function pathOf(call: string, path: unknown): string {
  if (path instanceof URL && path.protocol === 'file:') return fileURLToPath(path);
  if (typeof path !== 'string' || path === '') throw new OptionTypeError(message(call, 'path', 'a path, or a file: URL', path));
  return resolve(path);
}

async function read(path: string): Promise<Uint8Array> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const bytes = new Uint8Array(size);
    let at = 0;
    while (at < size) {
      const { bytesRead } = await handle.read(bytes, at, Math.min(most, size - at));
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return bytes.subarray(0, at);
  } finally {
    await handle.close();
  }
}
