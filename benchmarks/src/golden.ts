import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { type GoldenCase, parseGolden, replay, saysGolden } from '@opt/backend-contract';
import { replayTask } from '../tasks/replay/replay-task.ts';
import { parseTaskResults, saysTaskResults, type TaskResults } from '../tasks/replay/task-results.ts';
import { type AnyBackend, backendMaker, backendNames } from './backends.ts';

const usage = `pnpm golden DIR [--backend NAME]

Replays every recorded run (*.json of format opt-golden/1) and all recorded results of benchmark tasks (opt-task-results/1) under DIR.
  --backend   ${backendNames.join(' | ')}; default: reference and reference-f32, for results of tasks wasm`;

/** One line for people who typed something wrong, and exit code 2. */
function refuse(message: string): never {
  console.error(`golden: ${message}`);
  process.exit(2);
}

function commandLine(): { directory: string; backends: string[] | undefined } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { backend: { type: 'string', multiple: true }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const [directory, ...rest] = positionals;
    if (directory === undefined || rest.length > 0) refuse('exactly one directory is needed: pnpm golden DIR [--backend NAME]');
    const unknown = values.backend?.find((name) => backendMaker(name) === undefined);
    if (unknown !== undefined) refuse(`--backend must be one of ${backendNames.join(', ')}, received '${unknown}'`);
    return { directory, backends: values.backend };
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

function jsonFiles(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      return entry.isDirectory() ? jsonFiles(path) : entry.name.endsWith('.json') ? [path] : [];
    });
}

type Read = { readonly path: string } & ({ readonly golden: GoldenCase } | { readonly results: TaskResults } | { readonly broken: string });

/** Reads every file; what is JSON but of another format is named and passed over, what cannot be read counts as failed. */
function readCases(directory: string): Read[] {
  return jsonFiles(directory).flatMap((file): Read[] => {
    const path = relative(directory, file);
    try {
      const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
      if (saysGolden(value)) return [{ path, golden: parseGolden(value) }];
      if (saysTaskResults(value)) return [{ path, results: parseTaskResults(value) }];
      console.log(`left out  ${path}: neither of format opt-golden/1 nor opt-task-results/1`);
      return [];
    } catch (error) {
      return [{ path, broken: error instanceof Error ? error.message : String(error) }];
    }
  });
}

class Tally {
  passed = 0;
  failed = 0;
  skipped = 0;

  fail(path: string, why: string): void {
    this.failed++;
    console.log(`FAILED    ${path}: ${why}`);
  }
}

/** Replays all cases on one backend, which compiles what they have in common once; after an error it is another one. */
async function replayCases(cases: readonly Read[], name: string, tally: Tally): Promise<void> {
  const make = backendMaker(name);
  if (make === undefined) return;
  let backend: AnyBackend | undefined;
  for (const one of cases) {
    if (!('golden' in one)) continue;
    try {
      backend ??= await make();
      const outcome = await replay(one.golden, backend);
      if (outcome.result === 'passed') tally.passed++;
      else if (outcome.result === 'skipped') tally.skipped++;
      else {
        const { step, tensor, error, tolerance } = outcome;
        tally.fail(one.path, `on ${name}, step ${step}, '${tensor}': error ${error.toExponential(2)} above ${tolerance}`);
      }
    } catch (error) {
      tally.fail(one.path, `on ${name}: ${error instanceof Error ? error.message : String(error)}`);
      backend?.dispose();
      backend = undefined;
    }
  }
  backend?.dispose();
}

/** Compares one task with its results: every seed and every optimizer of the file counts as one. */
async function replayResults(path: string, results: TaskResults, name: string, tally: Tally): Promise<void> {
  const make = backendMaker(name);
  if (make === undefined) return;
  try {
    for await (const { what, result, why } of replayTask(results, make)) {
      if (result === 'passed') tally.passed++;
      else if (result === 'failed') tally.fail(path, `${what} on ${name}: ${why}`);
      else console.log(`left out  ${path}: ${what}: ${why}`);
    }
  } catch (error) {
    tally.fail(path, `on ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function main(): Promise<number> {
  const { directory, backends } = commandLine();
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) refuse(`'${directory}' is no directory`);
  const found = readCases(directory);
  const tally = new Tally();
  for (const one of found) if ('broken' in one) tally.fail(one.path, `cannot be read: ${one.broken}`);
  const readable = found.filter((one) => !('broken' in one));
  if (readable.length === 0) console.log(`nothing of format opt-golden/1 or opt-task-results/1 under '${directory}'`);
  for (const name of backends ?? ['reference', 'reference-f32']) await replayCases(found, name, tally);
  for (const name of backends ?? ['wasm'])
    for (const one of found) if ('results' in one) await replayResults(one.path, one.results, name, tally);
  if (tally.skipped > 0) console.log(`${tally.skipped} not compared in the precision at hand`);
  console.log(`${tally.passed} passed, ${tally.failed} failed`);
  return tally.failed > 0 || readable.length === 0 ? 1 : 0;
}

process.exitCode = await main();
