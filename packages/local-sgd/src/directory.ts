import { randomUUID } from 'node:crypto';
import { link, lstat, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { resolve as absolute, dirname, join } from 'node:path';
import { message, OptionTypeError, resolve } from '@opt/core';
import { MailboxError } from './errors.ts';
import { keepOption } from './keep.ts';
import type { Committed, Mailbox, Posting } from './mailbox.ts';

export interface DirectoryOptions {
  /** How many turns stay there, for who comes back: integer ≥ 2, or Infinity; default 1000. */
  readonly keep?: number;
}

/** Milliseconds between looks into the folder: what a network disk has changed nobody tells. */
const lookEvery = 10;

/** What is being written has a name that begins so: it is no posting. */
const draftPrefix = '.';

/**
 * A mailbox in a folder, on this machine's disk or one that workers share: `turns/<turn>/` holds what was posted, `commits/<turn>` who
 * counted. Files appear whole, by a rename; a record is made by a hard link, which fails where there is one, so that the disk must have
 * hard links. Folders are made as needed. `post` and `commit` end when file and folder are on the disk (fsync; of folders not on Windows,
 * which has no such call), so that a record outlives the machine, and what it counts with it.
 *
 * @throws OptionTypeError · OptionRangeError, naming the option · MailboxError where the folder cannot be used
 */
export function directoryMailbox(path: string, options: DirectoryOptions = {}): Mailbox {
  if (typeof path !== 'string' || path === '') throw new OptionTypeError(message('directoryMailbox', 'path', 'a path', path));
  const { keep } = resolve('directoryMailbox', options, { keep: keepOption });
  const root = absolute(path);
  const [turns, commits] = [join(root, 'turns'), join(root, 'commits')];

  /** Makes a folder, on the disk too. */
  async function made(folder: string): Promise<void> {
    const first = await mkdir(folder, { recursive: true });
    if (first === undefined) return;
    for (let at = folder; at !== dirname(first); at = dirname(at)) await sync(dirname(at));
  }

  /** Bytes on the disk, beside the postings of a turn: what a process that was killed leaves goes with them. */
  async function draft(turn: number, bytes: Uint8Array): Promise<string> {
    const folder = join(turns, named(turn));
    await made(folder);
    const file = join(folder, `${draftPrefix}${randomUUID()}`);
    const handle = await open(file, 'wx');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    return file;
  }

  async function recordOf(turn: number): Promise<Uint8Array | undefined> {
    return tried('ENOENT', async () => new Uint8Array(await readFile(join(commits, named(turn)))));
  }

  async function found(turn: number, seen: ReadonlySet<string>, most: number): Promise<Posting[]> {
    const folder = join(turns, named(turn));
    const entries = (await tried('ENOENT', () => readdir(folder))) ?? [];
    const fresh = entries.filter((id) => !seen.has(id) && !id.startsWith(draftPrefix)).sort();
    const postings = await Promise.all(
      fresh.map(async (id) => ({ id, bytes: await tried('ENOENT', () => start(join(folder, id), most + 1)) })),
    );
    return postings.flatMap(({ id, bytes }) => (bytes === undefined ? [] : [{ id, bytes }]));
  }

  async function forget(turn: number): Promise<void> {
    if (turn < 0) return;
    await rm(join(turns, named(turn)), { recursive: true, force: true });
    await rm(join(commits, named(turn)), { force: true });
  }

  return {
    post: (turn, bytes) =>
      saying(root, async () => {
        const file = await draft(turn, bytes);
        await rename(file, join(dirname(file), randomUUID()));
        await sync(dirname(file));
      }),
    collect: (turn, { seen, wait, most }) =>
      saying(root, async () => {
        const end = performance.now() + wait;
        for (;;) {
          const postings = await found(turn, seen, most);
          const left = end - performance.now();
          if (postings.length > 0 || left <= 0) return postings;
          await new Promise((done) => setTimeout(done, Math.min(lookEvery, left)));
        }
      }),
    commit: (turn, bytes) =>
      saying(root, async () => {
        const file = await draft(turn, bytes);
        await made(commits);
        const won = await tried('EEXIST', async () => {
          await link(file, join(commits, named(turn)));
          await sync(commits);
          return true;
        });
        await rm(file, { force: true });
        if (won === true) {
          await forget(turn - keep);
          return bytes;
        }
        const there = await recordOf(turn);
        if (there === undefined) throw new MailboxError(`turn ${turn} was committed and has been removed; keep more than ${keep} turns`);
        return there;
      }),
    committed: (turn) =>
      saying(root, async (): Promise<Committed | undefined> => {
        let at = turn;
        if (at === undefined) {
          const entries = ((await tried('ENOENT', () => readdir(commits))) ?? []).filter((name) => /^\d{12}$/.test(name));
          if (entries.length === 0) return undefined;
          at = Number(entries.sort().at(-1));
        }
        const bytes = await recordOf(at);
        return bytes && { turn: at, bytes };
      }),
    async close() {},
  };
}

const named = (turn: number): string => String(turn).padStart(12, '0');

/** Brings the entries of a folder to the disk. */
async function sync(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The beginning of a file, so that nobody's posting fills the memory. */
async function start(file: string, most: number): Promise<Uint8Array> {
  // A pipe would never end.
  if (!(await lstat(file)).isFile()) return new Uint8Array();
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const bytes = new Uint8Array(Math.min(size, most));
    let at = 0;
    while (at < bytes.length) {
      const { bytesRead } = await handle.read(bytes, at, bytes.length - at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return bytes.subarray(0, at);
  } finally {
    await handle.close();
  }
}

/** What a call gives; undefined where it fails for this reason. */
async function tried<T>(code: string, call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === code) return undefined;
    throw error;
  }
}

async function saying<T>(root: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    if (cause instanceof MailboxError) throw cause;
    throw new MailboxError(`directoryMailbox: '${root}' cannot be used (${cause instanceof Error ? cause.message : String(cause)})`, {
      cause,
    });
  }
}
