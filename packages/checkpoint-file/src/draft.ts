import { randomUUID } from 'node:crypto';
import { closeSync, fchmodSync, fsync, mkdirSync, openSync, readdirSync, realpathSync, rmSync, statSync, writeSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CheckpointError } from '@opt/core';

/** No system takes more in one call. */
export const most: number = 2 ** 30;

/** Drafts of this process that are no leftovers. */
const alive = new Set<string>();

/** A file that is written beside the one whose place it is to take. */
export class Draft {
  private readonly file: string;
  private readonly draft: string;
  private readonly handle: number;
  /** The folders whose entries are new. */
  private readonly folders: readonly string[];
  private open = true;

  constructor(path: string) {
    // A link stays what it is, and so does the mode of the file.
    this.file = tried(() => realpathSync(path)) ?? path;
    const old = tried(() => statSync(this.file));
    if (old !== undefined && !old.isFile()) throw new CheckpointError(`saveFile: '${this.file}' must be a file, it is something else`);
    const [folder, name] = [dirname(this.file), basename(this.file)];
    this.folders = above(folder, mkdirSync(folder, { recursive: true }));
    removeLeftovers(folder, name);
    this.draft = join(folder, `${prefixOf(name)}${randomUUID()}${suffix}`);
    this.handle = openSync(this.draft, 'wx');
    alive.add(this.draft);
    if (old !== undefined) fchmodSync(this.handle, old.mode & 0o777);
  }

  write(piece: Uint8Array): void {
    for (let at = 0; at < piece.length; ) at += writeSync(this.handle, piece, at, Math.min(most, piece.length - at));
  }

  /** Takes the place of the file, for good. */
  async publish(): Promise<void> {
    await promisify(fsync)(this.handle);
    this.close();
    await rename(this.draft, this.file);
    alive.delete(this.draft);
    for (const folder of this.folders) await syncFolder(folder);
  }

  /** As if it had not been; does nothing where it was published. */
  discard(): void {
    this.close();
    if (alive.delete(this.draft)) tried(() => rmSync(this.draft, { force: true }));
  }

  private close(): void {
    if (this.open) closeSync(this.handle);
    this.open = false;
  }
}

const prefixOf = (name: string): string => `.${name}.`;
const suffix = '.saving';
const isIdentifier = (text: string): boolean => /^[0-9a-f-]{36}$/.test(text);

/** What saves that were killed left behind. One that is under way in another process fails for it, and says so. */
function removeLeftovers(folder: string, name: string): void {
  for (const entry of readdirSync(folder)) {
    const ours = entry.startsWith(prefixOf(name)) && entry.endsWith(suffix);
    if (!ours || !isIdentifier(entry.slice(prefixOf(name).length, -suffix.length)) || alive.has(join(folder, entry))) continue;
    rmSync(join(folder, entry), { force: true });
  }
}

/** The folder, and those above it up to the one that holds the first that was made. */
function above(folder: string, made: string | undefined): string[] {
  if (made === undefined) return [folder];
  return folder === dirname(made) ? [folder] : [folder, ...above(dirname(folder), made)];
}

/** What a call gives; undefined where it fails, as it does for a file that is not there. */
function tried<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch {
    return undefined;
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
