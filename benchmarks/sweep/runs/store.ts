import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UsageError } from '../../src/bench/options.ts';
import { checkedResult, isRecord, Malformed, shown } from './checked.ts';
import type { RunResult, RunSpec } from './run.ts';

/** Finished runs in a folder, one JSON file each, found again by their spec and settings key. */
export interface Store {
  /** The result of an earlier run, or undefined where there is none, or where its file is damaged, which is told. */
  load(spec: RunSpec, key: string): Promise<RunResult | undefined>;
  /** Written beside its place and renamed into it: a file is whole or not there. */
  save(spec: RunSpec, key: string, result: RunResult): Promise<void>;
}

const format = 'opt-sweep-run/1';

/**
 * `make`: whether the folder may be a new one. `tell` hears one line about every file that is damaged.
 * @throws UsageError where nothing can be written, or there is no such folder.
 */
export const openStore = async (out: string, make: boolean, tell: (line: string) => void): Promise<Store> => {
  const probe = join(out, `.writable-${process.pid}`);
  try {
    if (make) await makeFolder(join(out, 'runs'));
    await writeFile(probe, '');
    await rm(probe);
  } catch (error) {
    throw new UsageError(`--out: expected a folder that can be written, got ${JSON.stringify(out)} (${reason(error)})`);
  }
  return {
    async load(spec, key) {
      const file = path(out, spec, key);
      try {
        return parsed(await readFile(file, 'utf8'), spec, key);
      } catch (error) {
        if (reason(error) !== 'ENOENT')
          tell(`${file} is damaged and counts as not there: ${error instanceof Malformed ? error.message : reason(error)}`);
        return undefined;
      }
    },
    async save(spec, key, result) {
      const file = path(out, spec, key);
      try {
        await makeFolder(dirname(file));
        await writeFile(`${file}.part`, `${JSON.stringify({ format, spec, key, result })}\n`);
        await rename(`${file}.part`, file);
      } catch (error) {
        throw new Error(`${file} could not be written: ${reason(error)}`);
      }
    },
  };
};

/** Files of finished runs under a folder, whatever their settings. */
export const countRuns = async (out: string): Promise<number> => {
  const names = await readdir(join(out, 'runs'), { recursive: true }).catch(() => []);
  return names.filter((name) => name.endsWith('.json')).length;
};

/** With its parents. Not mkdir's own `recursive`: under a folder that pretends, such as /proc, that never ends. */
const makeFolder = async (folder: string): Promise<void> => {
  const refused = await make(folder);
  if (refused === undefined) return;
  if (reason(refused) !== 'ENOENT' || dirname(folder) === folder) throw refused;
  await makeFolder(dirname(folder));
  const again = await make(folder);
  if (again !== undefined) throw again;
};

/** Why it is not there now. */
const make = (folder: string): Promise<unknown> =>
  mkdir(folder).then(
    () => undefined,
    (error: unknown) => (reason(error) === 'EEXIST' ? undefined : error),
  );

const path = (out: string, { task, optimizer, rate, seed, steps }: RunSpec, key: string): string =>
  join(out, 'runs', task, optimizer, `rate-${rate}-seed-${seed}-steps-${steps}-${key}.json`);

const reason = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : String(error));

/** @throws Malformed */
const parsed = (text: string, spec: RunSpec, key: string): RunResult => {
  const file = read(text);
  if (!isRecord(file) || file['format'] !== format)
    throw new Malformed(`expected format ${format}, got ${shown(isRecord(file) ? file['format'] : file)}`);
  if (file['key'] !== key || JSON.stringify(file['spec']) !== JSON.stringify(spec))
    throw new Malformed(`expected the run its name says, got ${shown(file['spec'])}`);
  return checkedResult(file['result'], 'result');
};

const read = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw new Malformed('expected JSON, got something else');
  }
};
