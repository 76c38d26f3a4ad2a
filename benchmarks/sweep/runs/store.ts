import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UsageError } from '../../src/bench/options.ts';
import type { RunResult, RunSpec } from './run.ts';

/** Finished runs in a folder, one JSON file each, found again by their spec and settings key. */
export interface Store {
  /** The result of an earlier run, or undefined where there is none or its file is no such result. */
  load(spec: RunSpec, key: string): Promise<RunResult | undefined>;
  /** Written beside its place and renamed into it: a file is whole or not there. */
  save(spec: RunSpec, key: string, result: RunResult): Promise<void>;
}

const format = 'opt-sweep-run/1';

/** @throws UsageError where nothing can be written. */
export const openStore = async (out: string): Promise<Store> => {
  const probe = join(out, `.writable-${process.pid}`);
  try {
    await makeFolder(join(out, 'runs'));
    await writeFile(probe, '');
    await rm(probe);
  } catch (error) {
    throw new UsageError(`--out: expected a folder that can be written, got ${JSON.stringify(out)} (${reason(error)})`);
  }
  return {
    async load(spec, key) {
      const found = await access(path(out, spec, key)).then(
        () => readFile(path(out, spec, key), 'utf8'),
        () => undefined,
      );
      return found === undefined ? undefined : parsed(found);
    },
    async save(spec, key, result) {
      const file = path(out, spec, key);
      await makeFolder(dirname(file));
      await writeFile(`${file}.part`, `${JSON.stringify({ format, spec, key, result })}\n`);
      await rename(`${file}.part`, file);
    },
  };
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

const parsed = (text: string): RunResult | undefined => {
  try {
    const file: { readonly format?: unknown; readonly result?: RunResult } = JSON.parse(text);
    return file.format === format ? file.result : undefined;
  } catch {
    return undefined;
  }
};
