import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CheckpointError, type LoadOptions, type LoadReport, message, OptionTypeError } from '@opt/core';
import { checkLoads, checkSaves, failed, type Loads, type Saves, saveInTurn } from './saving.ts';

export type { Loads, Saves } from './saving.ts';

/** No system takes more in one call. */
const most = 2 ** 30;

/**
 * Saves a checkpoint, so that the file is the old one or the new one, whole, whatever happens meanwhile: it is written beside the old
 * one, made durable and renamed. Folders are made as needed; what an interrupted save left behind is removed. The state is that of the
 * call: training may go on while it is written.
 *
 * @throws CheckpointError if it cannot be written, with the old file as it was · whatever `optimizer.save` throws
 */
export async function saveFile(path: string | URL, optimizer: Saves): Promise<void> {
  const file = pathOf('saveFile', path);
  checkSaves(optimizer);
  return saveInTurn(file, optimizer, async (bytes) => {
    try {
      await replace(file, bytes);
    } catch (cause) {
      throw cause instanceof CheckpointError ? cause : failed('saveFile', file, 'could not be written, an older file is as it was', cause);
    }
  });
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

async function replace(path: string, bytes: Uint8Array): Promise<void> {
  // A link stays what it is, and so does the mode of the file.
  const file = await realpath(path).catch(() => path);
  const old = await stat(file).catch(() => undefined);
  if (old !== undefined && !old.isFile()) throw new CheckpointError(`saveFile: '${file}' must be a file, it is something else`);
  const [folder, name] = [dirname(file), basename(file)];
  const made = await mkdir(folder, { recursive: true });
  await removeLeftovers(folder, name);
  const temporary = join(folder, `${prefixOf(name)}${randomUUID()}${suffix}`);
  try {
    const handle = await open(temporary, 'wx');
    try {
      if (old !== undefined) await handle.chmod(old.mode & 0o777);
      await write(handle, bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw cause;
  }
  for (let at = folder; ; at = dirname(at)) {
    await syncFolder(at);
    if (made === undefined || at === dirname(made)) break;
  }
}

const prefixOf = (name: string): string => `.${name}.`;
const suffix = '.saving';
const isIdentifier = (text: string): boolean => /^[0-9a-f-]{36}$/.test(text);

/** What saves that were killed left behind. One that is under way in another process fails for it, and says so. */
async function removeLeftovers(folder: string, name: string): Promise<void> {
  for (const entry of await readdir(folder)) {
    const ours = entry.startsWith(prefixOf(name)) && entry.endsWith(suffix);
    if (ours && isIdentifier(entry.slice(prefixOf(name).length, -suffix.length))) await rm(join(folder, entry), { force: true });
  }
}

async function write(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at, Math.min(most, bytes.length - at))).bytesWritten;
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

/** Makes a rename durable. Windows has no such call for folders. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
