import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { type GoldenCase, parseGolden, replay, saysGolden } from '@opt/backend-contract';
import { backendMaker, backendNames } from './backends.ts';

const usage = `pnpm golden DIR [--backend NAME]

Replays every recorded run (*.json of format opt-golden/1) under DIR.
  --backend   ${backendNames.join(' | ')}; default: reference and reference-f32`;

/** One line for people who typed something wrong, and exit code 2. */
function refuse(message: string): never {
  console.error(`golden: ${message}`);
  process.exit(2);
}

function commandLine(): { directory: string; backends: string[] } {
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
    return { directory, backends: values.backend ?? ['reference', 'reference-f32'] };
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

type Read = { readonly path: string; readonly golden: GoldenCase } | { readonly path: string; readonly broken: string };

/** Reads every case; what is JSON but no case is named and passed over, what cannot be read counts as failed. */
function readCases(directory: string): Read[] {
  return jsonFiles(directory).flatMap((file): Read[] => {
    const path = relative(directory, file);
    try {
      const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
      if (!saysGolden(value)) {
        console.log(`left out  ${path}: not of format opt-golden/1`);
        return [];
      }
      return [{ path, golden: parseGolden(value) }];
    } catch (error) {
      return [{ path, broken: error instanceof Error ? error.message : String(error) }];
    }
  });
}

async function main(): Promise<number> {
  const { directory, backends } = commandLine();
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) refuse(`'${directory}' is no directory`);
  const cases = readCases(directory);
  let [passed, failed, skipped] = [0, 0, 0];
  const fail = (path: string, why: string): void => {
    failed++;
    console.log(`FAILED    ${path}: ${why}`);
  };
  for (const one of cases) if ('broken' in one) fail(one.path, `cannot be read: ${one.broken}`);
  const readable = cases.filter((one) => 'golden' in one);
  if (readable.length === 0) console.log(`no case of format opt-golden/1 under '${directory}'`);
  for (const name of backends) {
    const make = backendMaker(name);
    if (make === undefined) continue;
    for (const { path, golden } of readable) {
      try {
        const outcome = await replay(golden, await make());
        if (outcome.result === 'passed') passed++;
        else if (outcome.result === 'skipped') skipped++;
        else
          fail(
            path,
            `on ${name}, step ${outcome.step}, '${outcome.tensor}': error ${outcome.error.toExponential(2)} above ${outcome.tolerance}`,
          );
      } catch (error) {
        fail(path, `on ${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
  if (skipped > 0) console.log(`${skipped} not compared in the precision at hand`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed > 0 || readable.length === 0 ? 1 : 0;
}

process.exitCode = await main();
