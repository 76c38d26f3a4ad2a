/// <reference lib="dom" preserve="true" />
import { CheckpointError, type LoadOptions, type LoadReport, message, OptionTypeError } from '@opt/core';
import { checkLoads, checkSaves, failed, inTurn, type Loads, type Saves } from './saving.ts';

export type { Loads, Saves } from './saving.ts';

/**
 * Saves a checkpoint in the page's private file system (OPFS), so that the file is the old one or the new one, whole, whatever happens
 * meanwhile: the browser writes beside the old one and puts the new one in its place when it is complete. A file whose first save did
 * not end is empty, and `loadFile` says so. Folders are made as needed. The state is that of the call: training may go on while it is
 * written.
 *
 * @throws CheckpointError if it cannot be written, with the old file as it was · whatever `optimizer.save` throws
 */
export async function saveFile(path: string, optimizer: Saves): Promise<void> {
  const segments = segmentsOf('saveFile', path);
  checkSaves(optimizer);
  const bytesNow = Promise.resolve(optimizer.save());
  return inTurn(segments.join('/'), bytesNow, async (bytes) => {
    try {
      await replace(segments, bytes);
    } catch (cause) {
      throw failed('saveFile', path, 'could not be written, an older file is as it was', cause);
    }
  });
}

/**
 * Loads what `saveFile` saved; options and report are those of `optimizer.load`.
 *
 * @throws CheckpointError if it cannot be read, or does not fit; nothing has changed then
 */
export async function loadFile(path: string, optimizer: Loads, options?: LoadOptions): Promise<LoadReport> {
  const [folders, name] = split(segmentsOf('loadFile', path));
  checkLoads(optimizer);
  let bytes: Uint8Array;
  try {
    const file = await (await (await folderOf(folders, false)).getFileHandle(name)).getFile();
    bytes = new Uint8Array(await file.arrayBuffer());
  } catch (cause) {
    throw failed('loadFile', path, 'could not be read', cause);
  }
  if (bytes.length === 0) throw new CheckpointError(`loadFile: '${path}' is empty: its first save did not end`);
  return optimizer.load(bytes, options);
}

async function replace(segments: readonly string[], bytes: Uint8Array): Promise<void> {
  const [folders, name] = split(segments);
  const folder = await folderOf(folders, true);
  const handle = await folder.getFileHandle(name, { create: true });
  const writable = await handle.createWritable();
  try {
    await writable.write(unshared(bytes));
  } catch (cause) {
    await writable.abort().catch(() => undefined);
    throw cause;
  }
  await writable.close();
}

async function folderOf(folders: readonly string[], create: boolean): Promise<FileSystemDirectoryHandle> {
  let folder = await navigator.storage.getDirectory();
  for (const name of folders) folder = await folder.getDirectoryHandle(name, { create });
  return folder;
}

const isUnshared = (bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> => bytes.buffer instanceof ArrayBuffer;
const unshared = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => (isUnshared(bytes) ? bytes : new Uint8Array(bytes));

function split(segments: readonly string[]): [folders: readonly string[], name: string] {
  return [segments.slice(0, -1), segments.at(-1) ?? ''];
}

function segmentsOf(call: string, path: unknown): string[] {
  const segments = typeof path === 'string' ? path.split('/') : [];
  if (segments.length === 0 || segments.some((segment) => segment === '' || segment === '.' || segment === '..'))
    throw new OptionTypeError(message(call, 'path', "names with '/' between them, such as 'runs/adamw.safetensors'", path));
  return segments;
}
